package upgrade

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

func sealer(t *testing.T, key string, older ...string) *Sealer {
	t.Helper()
	var old [][]byte
	for _, k := range older {
		old = append(old, []byte(k))
	}
	s, err := NewSealer(rand.Reader, []byte(key), old...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealedSecretsOpenOnlyInTheirPlace(t *testing.T) {
	s := sealer(t, "key")
	sealed, err := s.Seal("hunter2", "r-1", "pro/1/2", "password")
	if err != nil || strings.Contains(sealed, "hunter2") {
		t.Fatal(sealed, err)
	}
	twice, err := s.Seal("hunter2", "r-1", "pro/1/2", "password")
	if err != nil || twice == sealed {
		t.Error("the same secret sealed twice looks the same")
	}
	flip := func(i int) string {
		b := []byte(sealed)
		b[i] = map[bool]byte{true: 'A', false: 'B'}[b[i] != 'A']
		return string(b)
	}
	for _, row := range []struct {
		sentence string
		by       *Sealer
		sealed   string
		where    []string
		opens    bool
	}{
		{"at its place it opens", s, sealed, []string{"r-1", "pro/1/2", "password"}, true},
		{"of another session it does not", s, sealed, []string{"r-2", "pro/1/2", "password"}, false},
		{"of another database it does not", s, sealed, []string{"r-1", "pro/1/3", "password"}, false},
		{"in another field it does not", s, sealed, []string{"r-1", "pro/1/2", "destination"}, false},
		{"the places do not run into each other", s, sealed, []string{"r-1", "pro/1/2password", ""}, false},
		{"another key does not open it", sealer(t, "other"), sealed, []string{"r-1", "pro/1/2", "password"}, false},
		{"after a rotation the old key still opens it", sealer(t, "new", "key"), sealed, []string{"r-1", "pro/1/2", "password"}, true},
		{"the second old key too", sealer(t, "new", "newer", "key"), sealed, []string{"r-1", "pro/1/2", "password"}, true},
		{"changed text does not open", s, flip(len(sealed) - 1), []string{"r-1", "pro/1/2", "password"}, false},
		{"a changed nonce does not open", s, flip(10), []string{"r-1", "pro/1/2", "password"}, false},
		{"a changed key id does not open", s, flip(0), []string{"r-1", "pro/1/2", "password"}, false},
		{"nothing does not open", s, "", nil, false},
		{"a short text does not open", s, sealed[:12], []string{"r-1", "pro/1/2", "password"}, false},
	} {
		got, err := row.by.Open(row.sealed, row.where...)
		if row.opens != (err == nil) || row.opens && got != "hunter2" || !row.opens && !errors.Is(err, ErrSeal) {
			t.Errorf("%s: %q, %v", row.sentence, got, err)
		}
	}
}

// The last letter carries fewer bits than it could: those left over are no room
// for another spelling.
func TestASealedSecretHasOneSpelling(t *testing.T) {
	s := sealer(t, "key")
	for _, secret := range []string{"", "a", "ab", "abc"} {
		sealed, err := s.Seal(secret, "r-1")
		if err != nil {
			t.Fatal(err)
		}
		for _, last := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=\n" {
			other := sealed[:len(sealed)-1] + string(last)
			if got, err := s.Open(other, "r-1"); other != sealed && !errors.Is(err, ErrSeal) {
				t.Errorf("%q, sealed as %s, opens as %s: %q, %v", secret, sealed, other, got, err)
			}
		}
		if got, err := s.Open(sealed+"\n", "r-1"); !errors.Is(err, ErrSeal) {
			t.Errorf("with a line end it opens: %q, %v", got, err)
		}
	}
}

func TestNothingIsSealedWithoutChance(t *testing.T) {
	s, err := NewSealer(iotest.ErrReader(errors.New("no entropy")), []byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	if sealed, err := s.Seal("hunter2", "r-1"); err == nil {
		t.Errorf("sealed as %q", sealed)
	}
}
