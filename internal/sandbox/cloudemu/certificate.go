package cloudemu

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"math/big"
)

// authority is the PEM of the account's certificate authority, the same for the
// same seed and year. Nothing is signed by it: there are no servers behind the
// addresses of databases.
func (s *Server) authority() string {
	seed := make([]byte, ed25519.SeedSize)
	binary.BigEndian.PutUint64(seed, s.cfg.Seed)
	key := ed25519.NewKeyFromSeed(seed)
	begin := s.account.created.UTC()
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(int64(s.account.id)), NotBefore: begin, NotAfter: begin.AddDate(20, 0, 0),
		Subject:               pkix.Name{Organization: []string{"Redis Cloud sandbox"}, CommonName: "sandbox CA"},
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(nil, cert, cert, key.Public(), key) // Ed25519 needs no chance
	if err != nil {
		panic("cloudemu: cannot make a certificate: " + err.Error())
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
