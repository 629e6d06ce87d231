package cloud

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// redacted stands for every secret in every text of this package.
const redacted = "[secret]"

// Secret is a value that must not be seen: it prints, formats, marshals and
// logs as "[secret]" (an empty one as ""), and only Reveal gives it away.
// Keep it in exported fields: fmt cannot see the methods of unexported ones.
type Secret string

// Reveal returns the value itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String returns "[secret]", or "" when there is none.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format prints String for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// MarshalText returns String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON returns String as JSON.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// UnmarshalJSON takes a plain string. The stand-in "[secret]" of an earlier
// marshalling becomes empty, so that it can never be sent as a password.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var v string
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("decode secret: not a string")
	}
	if v == redacted {
		v = ""
	}
	*s = Secret(v)
	return nil
}

// LogValue is String, for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
