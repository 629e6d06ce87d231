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
// Keep it in exported fields, for fmt cannot see the methods of others, and
// never make it the key of a map, which encoding/json writes out as it is.
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

// The structs that hold a Secret or a URI print as JSON, whatever the verb:
// given an unfitting one for a pointer to them (%s, say), fmt would go on
// inside without asking anybody's Format.

// Format prints the database as JSON, secrets redacted.
func (d Database) Format(f fmt.State, _ rune) { formatJSON(f, d) }

// Format prints the settings as JSON, secrets redacted.
func (s Security) Format(f fmt.State, _ rune) { formatJSON(f, s) }

// Format prints the settings as JSON, secrets redacted.
func (b BackupSettings) Format(f fmt.State, _ rune) { formatJSON(f, b) }

// Format prints the source as JSON, secrets redacted.
func (s SyncSource) Format(f fmt.State, _ rune) { formatJSON(f, s) }

// Format prints the request as JSON, secrets redacted.
func (c Create) Format(f fmt.State, _ rune) { formatJSON(f, c) }

// Format prints the request as JSON, secrets redacted.
func (u Update) Format(f fmt.State, _ rune) { formatJSON(f, u) }

// Format prints the setting as JSON, secrets redacted.
func (b RemoteBackup) Format(f fmt.State, _ rune) { formatJSON(f, b) }

func formatJSON(f fmt.State, v any) {
	out, err := json.Marshal(v)
	if err != nil {
		out = []byte(redacted)
	}
	f.Write(out)
}
