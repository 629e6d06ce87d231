package session

import (
	"context"
	"fmt"
	"strconv"
	"strings"

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
	if !wanted || s.cfg.WaitReplicas == 0 {
		answer, err = s.run(ctx, s.rdb, "advance", commitScript, keys, args...)
		return answer, nil, err
	}
	master, err := s.master(ctx)
	if err != nil {
		return nil, nil, err
	}
	conn := master.Conn()
	defer conn.Close() // returns it to the pool
	replicas, err := s.confirming(ctx, conn)
	if err != nil {
		return nil, nil, err
	}
	answer, err = s.run(ctx, conn, "advance", commitScript, keys, args...)
	if err != nil || replicas == 0 {
		return answer, nil, err
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
	return answer, s.waited(ctx, conn, replicas), nil
}

// waited waits until replicas have what was written over conn; nil or ErrUnconfirmed.
func (s *Store) waited(ctx context.Context, conn *redis.Conn, replicas int) error {
	n, err := conn.Wait(ctx, replicas, s.cfg.WaitTimeout).Result()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnconfirmed, err)
	}
	if int(n) < replicas {
		return fmt.Errorf("%w: %d of %d", ErrUnconfirmed, n, replicas)
	}
	return nil
}

// Confirm waits until Config.WaitReplicas replicas have everything that was written
// before it, whoever wrote it: a later write is behind it in the replication stream.
// Errors: [ErrUnconfirmed], [ErrUnavailable].
func (s *Store) Confirm(ctx context.Context) error {
	if s.cfg.WaitReplicas == 0 {
		return nil
	}
	master, err := s.master(ctx)
	if err != nil {
		return err
	}
	conn := master.Conn()
	defer conn.Close()
	replicas, err := s.confirming(ctx, conn)
	if err != nil || replicas == 0 {
		return err
	}
	if err := conn.Incr(ctx, s.keys.fence()).Err(); err != nil {
		return unavailable("confirm", err)
	}
	return s.waited(ctx, conn, replicas)
}

// WaitWhereThereAre, as Config.WaitReplicas, waits for one replica while the
// server has any: the number is not configured twice, and a single server works.
const WaitWhereThereAre = -1

// confirming is how many replicas must confirm what is about to be written.
func (s *Store) confirming(ctx context.Context, conn *redis.Conn) (int, error) {
	if s.cfg.WaitReplicas >= 0 {
		return s.cfg.WaitReplicas, nil
	}
	n, err := connected(ctx, conn)
	if err != nil {
		err := unlessRefused(err, nil) // a server that does not tell is one without
		return 0, err
	}
	return min(n, 1), nil
}

// connected is how many replicas the server feeds.
func connected(ctx context.Context, server informant) (n int, err error) {
	told, err := info(ctx, server, "replication", "connected_slaves")
	if err != nil {
		return 0, err
	}
	n, _ = strconv.Atoi(told) // a server that does not tell is one without
	return n, nil
}

// informant is a client or a connection.
type informant interface {
	Info(ctx context.Context, section ...string) *redis.StringCmd
}

// info reads one field of INFO; "" where there is none.
func info(ctx context.Context, server informant, section, field string) (string, error) {
	all, err := server.Info(ctx, section).Result()
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(all) {
		if told, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(told), nil
		}
	}
	return "", nil
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
