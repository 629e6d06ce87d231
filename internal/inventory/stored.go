package inventory

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/redis-upgrade/bot/internal/cloud"
)

// account is the stored form of everything that was read, the one JSON value
// behind the snapshot. Rule for changing it: a field may be added if its zero
// value means "not known"; anything else needs a new formatVersion, which is part of
// the key, so that two releases running side by side do not fight over one key.
type account struct {
	At            time.Time      `json:"at"` // when the reading began
	Subscriptions []subscription `json:"subs"`
	Problems      []Problem      `json:"problems,omitempty"`
}

// formatVersion names the layout of account in the keys.
const formatVersion = "v1"

// subscription is one subscription with the databases last seen in it.
type subscription struct {
	Plan         cloud.Plan `json:"plan"`
	ID           int        `json:"id"`
	Name         string     `json:"name"`
	Status       string     `json:"status"`
	ActiveActive bool       `json:"aa,omitempty"`
	Offered      []string   `json:"offered,omitempty"` // released versions, oldest first
	OfferedAt    time.Time  `json:"offeredAt,omitzero"`
	ReadAt       time.Time  `json:"readAt,omitzero"`  // last reading without an error
	Failed       bool       `json:"failed,omitempty"` // the latest reading was an error
	Databases    []database `json:"dbs"`
}

// database is what is kept of a database: nothing secret, see the package comment.
type database struct {
	ID           int               `json:"id"`
	Name         string            `json:"name"`
	Status       string            `json:"status"`
	Protocol     string            `json:"proto"`
	Version      string            `json:"ver"`
	Provider     string            `json:"cloud,omitempty"`
	Region       string            `json:"region,omitempty"`
	Endpoints    []string          `json:"eps,omitempty"` // as address() writes them, best one for people first
	Port         int               `json:"port,omitempty"`
	Shards       int               `json:"shards,omitempty"`
	ActiveActive bool              `json:"aa,omitempty"`
	BackupOn     bool              `json:"backup,omitempty"`
	Sources      []string          `json:"sources,omitempty"` // as address() writes them
	Modules      []string          `json:"modules,omitempty"`
	Tags         map[string]string `json:"tags,omitzero"` // nil: never read
	TagsAt       time.Time         `json:"tagsAt,omitzero"`
}

// Problem is a part of the account that the latest reading could not read.
type Problem struct {
	// What was tried, for people: "databases of pro subscription 1206".
	What string `json:"what"`
	// Reason is the error's text.
	Reason string `json:"reason"`
}

// chunkSize bounds one stored value; 1 MiB holds some 20,000 databases compressed.
const chunkSize = 1 << 20

// maxUnpacked bounds what a snapshot may unpack to: ten times the largest fleet
// we can imagine, and far less than a replica's memory.
const maxUnpacked = 256 << 20

// pack compresses an account and cuts it into chunks of at most size bytes.
func pack(a *account, size int) ([]string, error) {
	var buf bytes.Buffer
	zip := gzip.NewWriter(&buf)
	if err := json.NewEncoder(zip).Encode(a); err != nil {
		return nil, fmt.Errorf("encode inventory: %w", err)
	}
	if err := zip.Close(); err != nil {
		return nil, fmt.Errorf("compress inventory: %w", err)
	}
	var chunks []string
	for buf.Len() > 0 {
		chunks = append(chunks, string(buf.Next(size)))
	}
	return chunks, nil
}

// unpack is the inverse of pack. A missing or damaged chunk is an error (gzip
// ends with a checksum).
func unpack(chunks []string) (*account, error) {
	readers := make([]io.Reader, 0, len(chunks))
	for _, c := range chunks {
		readers = append(readers, bytes.NewReader([]byte(c)))
	}
	zip, err := gzip.NewReader(io.MultiReader(readers...))
	if err != nil {
		return nil, fmt.Errorf("uncompress inventory: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(zip, maxUnpacked))
	if err != nil {
		return nil, fmt.Errorf("uncompress inventory: %w", err)
	}
	a := new(account)
	if err := json.Unmarshal(raw, a); err != nil {
		return nil, fmt.Errorf("decode inventory: %w", err)
	}
	return a, nil
}
