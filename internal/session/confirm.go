package session

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// runConfirmed runs the commit script and, when a move asks for it, waits for the
// replicas on the same connection: WAIT counts the writes of its own connection,
// on a pooled one it would confirm somebody else's.
func (s *Store) runConfirmed(ctx context.Context, steps []*step, keys []string, args []any) (answer []any, unconfirmed, err error) {
	wanted := false
	for _, st := range steps {
		wanted = wanted || st.move.Confirm
	}
	if !wanted || s.cfg.WaitReplicas <= 0 {
		answer, err = s.run(ctx, s.rdb, "advance", commitScript, keys, args...)
		return answer, nil, err
	}
	master, err := s.master(ctx)
	if err != nil {
		return nil, nil, err
	}
	conn := master.Conn()
	defer conn.Close() // returns it to the pool
	answer, err = s.run(ctx, conn, "advance", commitScript, keys, args...)
	if err != nil {
		return nil, nil, err
	}
	switch answer[0] {
	case "stored":
	case "again":
		// The write went over another connection. A later write over this one is
		// behind it in the replication stream, so WAIT for that one covers both.
		if err := conn.Incr(ctx, s.keys.fence()).Err(); err != nil {
			return answer, fmt.Errorf("%w: %w", ErrUnconfirmed, err), nil
		}
	default:
		return answer, nil, nil // nothing was written
	}
	n, err := conn.Wait(ctx, s.cfg.WaitReplicas, s.cfg.WaitTimeout).Result()
	if err != nil {
		return answer, fmt.Errorf("%w: %w", ErrUnconfirmed, err), nil
	}
	if int(n) < s.cfg.WaitReplicas {
		return answer, fmt.Errorf("%w: %d of %d", ErrUnconfirmed, n, s.cfg.WaitReplicas), nil
	}
	return answer, nil, nil
}

// master is a client of the one server that takes writes for our tag.
func (s *Store) master(ctx context.Context) (*redis.Client, error) {
	switch c := s.rdb.(type) {
	case *redis.Client:
		return c, nil
	case *redis.ClusterClient:
		m, err := c.MasterForKey(ctx, s.keys.fence())
		if err != nil {
			return nil, unavailable("find master", err)
		}
		return m, nil
	default:
		return nil, fmt.Errorf("%w: cannot pin a connection of %T", ErrUnavailable, s.rdb)
	}
}
