package cloudemu

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// dataset is the content of a database: string keys and values.
type dataset struct {
	all    map[string]string
	sum    string // digest of all; empty: not computed
	prefix string // of generated keys
	base   int    // generated keys at the start
}

// fill generates n keys, the same ones for the same seed and name.
func (k *dataset) fill(seed uint64, name, prefix string, n int) {
	k.all = make(map[string]string, n)
	k.prefix, k.base, k.sum = prefix, n, ""
	for i := range n {
		h := sha256.Sum256(fmt.Appendf(nil, "%d/%s/%d", seed, name, i))
		k.all[keyName(prefix, i)] = "v-" + hex.EncodeToString(h[:8])
	}
}

func keyName(prefix string, i int) string { return fmt.Sprintf("%s:%06d", prefix, i) }

func (k *dataset) set(key, value string) {
	if k.all == nil {
		k.all = map[string]string{}
	}
	k.all[key], k.sum = value, ""
}

func (k *dataset) remove(key string) {
	delete(k.all, key)
	k.sum = ""
}

func (k *dataset) wipe() { k.all, k.sum = map[string]string{}, "" }

func (k *dataset) replace(all map[string]string) { k.all, k.sum = maps.Clone(all), "" }

// digest is the same for the same keys and values, whatever the order of writing.
func (k *dataset) digest() string {
	if k.sum == "" {
		k.sum = digest(k.all)
	}
	return k.sum
}

func digest(all map[string]string) string {
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(h, "%d:%s%d:%s", len(key), key, len(all[key]), all[key])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// size is the number of bytes that a dump of the keys takes.
func size(all map[string]string) int {
	n := 64
	for k, v := range all {
		n += len(k) + len(v) + 8
	}
	return n
}

const slots = 16384

// shardOf tells in which of n shards a key lives.
func shardOf(key string, n int) int {
	for i := range n {
		if s := slot(key); s >= i*slots/n && s < (i+1)*slots/n {
			return i
		}
	}
	return 0
}

// slot is the hash slot of a key: CRC16 of the key or of its {tag}.
func slot(key string) int {
	if open := strings.IndexByte(key, '{'); open >= 0 {
		if end := strings.IndexByte(key[open+1:], '}'); end > 0 {
			key = key[open+1 : open+1+end]
		}
	}
	var crc uint16
	for i := range len(key) {
		crc ^= uint16(key[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % slots
}
