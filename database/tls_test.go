package database_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/proscenium-dev/proscenium/database"
	"github.com/proscenium-dev/proscenium/database/databasetest"
)

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

func certificate(t *testing.T, template *x509.Certificate, by *authority) (certPEM, keyPEM string, made *authority) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := template, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	keyPEM = string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}))
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certPEM, keyPEM, &authority{parsed, key, certPEM}
}

func newAuthority(t *testing.T) *authority {
	_, _, a := certificate(t, &x509.Certificate{Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, nil)
	return a
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	serverCert, serverKey, _ := certificate(t, &x509.Certificate{Subject: pkix.Name{CommonName: "db"}, DNSNames: []string{"db.example.com"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, ours)
	clientCert, clientKey, _ := certificate(t, &x509.Certificate{Subject: pkix.Name{CommonName: "postgres"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, ours)
	s := databasetest.StartPostgres(t, "fsync=off")
	if err := s.ServeTLS(serverCert, serverKey, ours.pem); err != nil {
		t.Fatal(err)
	}
	key := database.NewPassword(clientKey)
	for name, test := range map[string]struct {
		ssl             database.SSL
		text            string // of the connection
		encrypted, fine bool
	}{
		"not configured":          {database.SSL{}, "", true, true},
		"false":                   {database.SSL{Mode: "false"}, "", false, true},
		"true, unknown authority": {database.SSL{Mode: "true"}, "", false, false},
		"our authority":           {database.SSL{CA: ours.pem}, "", true, true},
		"another authority":       {database.SSL{CA: theirs.pem}, "", false, false},
		"another name":            {database.SSL{CA: ours.pem, ServerName: "other.example.com"}, "", false, false},
		"the other name":          {database.SSL{CA: ours.pem, ServerName: "db.example.com"}, "", true, true},
		"verify-ca, another name": {database.SSL{Mode: "verify-ca", CA: ours.pem, ServerName: "other.example.com"}, "", true, true},
		"verify-ca, another CA":   {database.SSL{Mode: "verify-ca", CA: theirs.pem}, "", false, false},
		"require":                 {database.SSL{Mode: "require"}, "", true, true},
		"unverified":              {database.SSL{RejectUnauthorized: database.Off}, "", true, true},
		"client certificate":      {database.SSL{CA: ours.pem, Cert: clientCert, Key: key}, "", true, true},
		"in the text":             {database.SSL{}, "sslmode=require", true, true},
		"not in the text":         {database.SSL{}, "sslmode=disable", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := on(s, "schema")
			o.Config.Connection.SSL = test.ssl
			if test.text != "" {
				o.Config.Connection = database.Connection{Text: "host=127.0.0.1 user=postgres dbname=postgres " + test.text}
				o.Config.Connection.Text += " port=" + portOf(s)
			}
			d := databasetest.Open(t, o)
			db, err := d.For("a")
			if err != nil {
				t.Fatal(err)
			}
			err = d.Ping(t.Context(), "a")
			if test.fine != (err == nil) {
				t.Fatalf("got %v", err)
			}
			if !test.fine {
				wantMessage(t, err, "certificate")
				return
			}
			if got := get[bool](t, db, "select ssl from pg_stat_ssl where pid = pg_backend_pid()"); got != test.encrypted {
				t.Errorf("encrypted: %v, want %v", got, test.encrypted)
			}
			if test.ssl.Cert != "" {
				if dn := get[string](t, db, "select client_dn from pg_stat_ssl where pid = pg_backend_pid()"); dn != "/CN=postgres" {
					t.Errorf("the server knows the client as %q", dn)
				}
			}
		})
	}
}
