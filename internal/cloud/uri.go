package cloud

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
)

// URI is an address that may carry credentials (ftp://user:pw@host/,
// abs://key@account/container, a signed https link). It prints, formats,
// marshals and logs as Redacted; Raw gives the address itself.
type URI string

// Raw returns the address as it came, credentials included.
func (u URI) Raw() string { return string(u) }

// Redacted returns the address without its credentials.
func (u URI) Redacted() string { return RedactURI(string(u)) }

// String is Redacted.
func (u URI) String() string { return u.Redacted() }

// GoString is Redacted, for %#v.
func (u URI) GoString() string { return fmt.Sprintf("%q", u.Redacted()) }

// Format prints Redacted for every verb and flag.
func (u URI) Format(f fmt.State, _ rune) { io.WriteString(f, u.Redacted()) }

// MarshalText returns Redacted.
func (u URI) MarshalText() ([]byte, error) { return []byte(u.Redacted()), nil }

// MarshalJSON returns Redacted as JSON. An address with credentials does not
// survive a round trip, and what comes back is refused when it is sent: read
// it from the API when it is needed.
func (u URI) MarshalJSON() ([]byte, error) { return json.Marshal(u.Redacted()) }

// LogValue is Redacted, for slog.
func (u URI) LogValue() slog.Value { return slog.StringValue(u.Redacted()) }

// RedactURI returns uri with everything that can be a credential replaced by
// "[secret]": what stands before the last @ (keys of storage accounts contain
// slashes, so the host cannot bound it) and the query of a link. In s3:// and
// gs:// an @ after the first slash belongs to the path and stays.
func RedactURI(uri string) string {
	scheme, rest, found := strings.Cut(uri, "://")
	if !found {
		scheme, rest = "", uri
	} else {
		scheme += "://"
	}
	rest, query, hasQuery := cutQuery(rest)
	search := rest
	if isBucket(scheme) {
		search, _, _ = strings.Cut(rest, "/")
	}
	if at := strings.LastIndexByte(search, '@'); at >= 0 {
		rest = redacted + rest[at:]
	}
	if hasQuery && query != "" {
		rest += "?" + redacted
	}
	return scheme + rest
}

// cutQuery splits at the first ? behind the credentials: a ? before the last
// @ may be part of a password.
func cutQuery(rest string) (before, query string, found bool) {
	at := strings.LastIndexByte(rest, '@') + 1
	i := strings.IndexByte(rest[at:], '?')
	if i < 0 {
		return rest, "", false
	}
	return rest[:at+i], rest[at+i+1:], true
}

func isBucket(scheme string) bool {
	return strings.EqualFold(scheme, "s3://") || strings.EqualFold(scheme, "gs://")
}

var uriInText = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://[^\s"'<>]+`)

// redactText applies RedactURI to every address inside a text.
func redactText(s string) string { return uriInText.ReplaceAllStringFunc(s, RedactURI) }

// schemeOf returns the lower-case scheme of an address, without "://".
func schemeOf(uri string) string {
	scheme, _, found := strings.Cut(uri, "://")
	if !found {
		return ""
	}
	return strings.ToLower(scheme)
}

// StorageTypeOf returns the storageType of remote backups for a destination,
// derived from its scheme because the API never returns it: aws-s3,
// google-blob-storage, azure-blob-storage, ftp, or "" for anything else.
func StorageTypeOf(uri string) string {
	switch schemeOf(uri) {
	case "s3":
		return "aws-s3"
	case "gs":
		return "google-blob-storage"
	case "abs":
		return "azure-blob-storage"
	case "ftp", "ftps":
		return "ftp"
	}
	return ""
}

// SourceTypeOf returns the sourceType of an import for a file's address: the
// storage types of StorageTypeOf, http, redis, or "" for anything else.
func SourceTypeOf(uri string) string {
	switch schemeOf(uri) {
	case "http", "https":
		return "http"
	case "redis", "rediss":
		return "redis"
	}
	return StorageTypeOf(uri)
}
