package upgrade

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Sealer keeps secrets in records: AES-256-GCM under a key derived from
// SEAL_KEY, bound to the session, database and field that they belong to. The
// key's id is stored with the secret, so that SEAL_KEY can be rotated.
type Sealer struct {
	current string
	keys    map[string]cipher.AEAD
	rand    io.Reader
}

// ErrSeal says that a sealed secret cannot be opened: another key, or it was
// moved or changed.
var ErrSeal = errors.New("sealed secret cannot be opened")

// NewSealer seals under key and also opens what older keys sealed.
func NewSealer(rand io.Reader, key []byte, older ...[]byte) (*Sealer, error) {
	s := &Sealer{keys: map[string]cipher.AEAD{}, rand: rand}
	for i, secret := range append([][]byte{key}, older...) {
		derived, err := hkdf.Key(sha256.New, secret, nil, "redis-upgrade seal", 32)
		if err != nil {
			return nil, fmt.Errorf("derive seal key: %w", err)
		}
		block, err := aes.NewCipher(derived)
		if err != nil {
			return nil, err
		}
		gcm, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(derived)
		id := hex.EncodeToString(sum[:4])
		s.keys[id] = gcm
		if i == 0 {
			s.current = id
		}
	}
	return s, nil
}

// Seal hides secret; where names session, database and field.
func (s *Sealer) Seal(secret string, where ...string) (string, error) {
	gcm := s.keys[s.current]
	nonce := make([]byte, gcm.NonceSize())
	if _, err := io.ReadFull(s.rand, nonce); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	out := gcm.Seal(nonce, nonce, []byte(secret), []byte(strings.Join(where, "\x00")))
	return s.current + "." + base64.RawStdEncoding.EncodeToString(out), nil
}

// Open reads what Seal hid at the same place.
func (s *Sealer) Open(sealed string, where ...string) (string, error) {
	id, text, _ := strings.Cut(sealed, ".")
	gcm, ok := s.keys[id]
	if !ok {
		return "", fmt.Errorf("%w: sealed under unknown key %q (is SEAL_KEY_OLD missing?)", ErrSeal, id)
	}
	raw, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(raw) < gcm.NonceSize() || base64.RawStdEncoding.EncodeToString(raw) != text { // line ends and spare bits are other spellings
		return "", ErrSeal
	}
	plain, err := gcm.Open(nil, raw[:gcm.NonceSize()], raw[gcm.NonceSize():], []byte(strings.Join(where, "\x00")))
	if err != nil {
		return "", ErrSeal
	}
	return string(plain), nil
}
