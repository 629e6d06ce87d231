package cloud

import "context"

// Certificate returns the PEM of a database's server certificate; Pro with TLS
// only.
//
// API: Databases - Pro, getSubscriptionDatabaseCertificate.
func (c *Client) Certificate(ctx context.Context, ref Ref) (string, error) {
	type wire struct {
		PEM text `json:"publicCertificatePEMString"`
	}
	w, err := readInto[wire](ctx, c, get("certificate", ref.String(), ref.path("certificate")))
	return string(w.PEM), err
}
