package database

import (
	"crypto/tls"
	"crypto/x509"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// verifyAuthority checks who signed the server's certificate, but not for which name.
func verifyAuthority(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(c)
		}
		_, err := state.PeerCertificates[0].Verify(options)
		return err
	}
}

// fallback is the same server without encryption.
func fallback(c *pgx.ConnConfig) *pgconn.FallbackConfig {
	return &pgconn.FallbackConfig{Host: c.Host, Port: c.Port}
}
