package bot

import (
	"context"
	"errors"
	"log/slog"
	"os"
)

// Logger is the log that the configuration asks for, on standard error. An
// unknown level or form, which Validate refuses, gives info and text.
func (c Config) Logger() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel))
	opts := &slog.HandlerOptions{Level: level, ReplaceAttr: readable}
	if c.LogFormat == "json" {
		return slog.New(stopping{slog.NewJSONHandler(os.Stderr, opts)})
	}
	return slog.New(stopping{slog.NewTextHandler(os.Stderr, opts)})
}

// readable writes durations as people do; JSON would show bare nanoseconds.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// stopping makes debug messages of complaints that something was cancelled: that is
// how a replica ends, and wakes nobody.
type stopping struct{ slog.Handler }

// Handle implements slog.Handler.
func (s stopping) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		err, ok := a.Value.Any().(error)
		if ok && r.Level > slog.LevelDebug && errors.Is(err, context.Canceled) {
			r.Level = slog.LevelDebug
		}
		return true
	})
	if !s.Enabled(ctx, r.Level) {
		return nil
	}
	return s.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (s stopping) WithAttrs(attrs []slog.Attr) slog.Handler {
	return stopping{s.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (s stopping) WithGroup(name string) slog.Handler { return stopping{s.Handler.WithGroup(name)} }
