package session

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Check looks at the server's settings and returns, for people, what endangers the
// memory and how to mend it. A setting that the server does not tell (Redis Cloud
// refuses CONFIG GET) is a note: it is unknown. err is [ErrUnavailable] only.
func (s *Store) Check(ctx context.Context) (problems, notes []string, err error) {
	if err := s.Ping(ctx); err != nil {
		return nil, nil, err
	}
	master, err := s.master(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, look := range []func(context.Context, *redis.Client) ([]string, error){
		checkEviction, checkPersistence, s.checkReplicas,
	} {
		found, err := look(ctx, master)
		var untold *unknownSetting
		switch {
		case errors.As(err, &untold):
			notes = append(notes, untold.note)
		case err != nil:
			return nil, nil, err
		}
		problems = append(problems, found...)
	}
	return problems, notes, nil
}

// unknownSetting is one that the server does not tell.
type unknownSetting struct{ note string }

// Error implements error.
func (u *unknownSetting) Error() string { return u.note }

// checkEviction: an evicted session is a lost session.
func checkEviction(ctx context.Context, rdb *redis.Client) ([]string, error) {
	policy, known, err := setting(ctx, rdb, "maxmemory-policy")
	switch {
	case err != nil:
		return nil, err
	case !known:
		return nil, &unknownSetting{"maxmemory-policy is unknown (the server does not tell): make sure that it is noeviction"}
	case policy != "noeviction":
		return []string{fmt.Sprintf("maxmemory-policy is %s, so sessions may be evicted: set it to noeviction", policy)}, nil
	}
	return nil, nil
}

// checkPersistence: what a restart of the server would lose.
func checkPersistence(ctx context.Context, rdb *redis.Client) ([]string, error) {
	aof, known, err := setting(ctx, rdb, "appendonly")
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, &unknownSetting{"persistence is unknown (the server does not tell): make sure that an append-only file is kept"}
	}
	if aof == "yes" {
		if fsync, _, err := setting(ctx, rdb, "appendfsync"); err != nil || fsync != "no" {
			return nil, err
		}
		return []string{"appendfsync is no, so a crash of the server may lose many seconds of sessions: set it to always or everysec"}, nil
	}
	save, _, err := setting(ctx, rdb, "save")
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(save) == "" {
		return []string{"the server keeps nothing on disk, so its restart loses every session: set appendonly to yes"}, nil
	}
	return []string{"the server keeps snapshots only, so its crash loses what moved since the last one: set appendonly to yes"}, nil
}

// checkReplicas: a confirmation that can never come.
func (s *Store) checkReplicas(ctx context.Context, rdb *redis.Client) ([]string, error) {
	if s.cfg.WaitReplicas <= 0 {
		return nil, nil
	}
	n, err := connected(ctx, rdb)
	if err != nil {
		return nil, unlessRefused(err, &unknownSetting{"number of replicas is unknown (the server does not tell)"})
	}
	if n < s.cfg.WaitReplicas {
		return []string{fmt.Sprintf("%d replicas are connected, %d must confirm: changing calls would wait for ever", n, s.cfg.WaitReplicas)}, nil
	}
	return nil, nil
}

// setting reads one configuration value; known is false when the server refuses.
func setting(ctx context.Context, rdb *redis.Client, name string) (value string, known bool, err error) {
	got, err := rdb.ConfigGet(ctx, name).Result()
	if err != nil {
		return "", false, unlessRefused(err, nil)
	}
	value, known = got[name]
	return value, known, nil
}

// unlessRefused tells a refusal, which is an answer and stands for as, from no answer.
func unlessRefused(err, as error) error {
	var answer redis.Error
	if errors.As(err, &answer) {
		return as
	}
	return unavailable("read settings", err)
}
