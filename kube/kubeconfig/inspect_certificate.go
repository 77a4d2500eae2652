package kubeconfig

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"time"
)

// maxPEM is the longest file of a certificate, with those that signed it, or of a key.
const maxPEM = 1 << 20

// certificate looks at the client certificate and its key. Like client-go, it prefers
// what is in the kubeconfig to what is in a file.
func (l *look) certificate() {
	e := l.entry
	cert, certThere := l.pem("client-certificate", e.certFile, e.certData)
	key, keyThere := l.pem("client-key", e.keyFile, e.keyData)
	switch {
	case !certThere:
		l.problem("there is a client-key, and no client-certificate: kubectl sends neither; add it, or remove the key")
		return
	case !keyThere:
		l.fatal("there is a client-certificate, and no client-key: kubectl refuses to go on; add it, or remove the certificate")
	}
	if cert == nil {
		return
	}
	leaf, err := leafOf(cert)
	if err != nil {
		l.fatal("the client-certificate is none that can be read: %s; put it there again", printable(err.Error()))
		return
	}
	l.Expiry = leaf.NotAfter
	switch {
	case l.now.After(leaf.NotAfter):
		l.problem("the client certificate expired %s, on %s: have a new one signed", ago(l.now.Sub(leaf.NotAfter)), stamp(leaf.NotAfter))
	case l.now.Before(leaf.NotBefore):
		l.problem("the client certificate is not valid before %s, which is %s by this machine's clock: is that right?", stamp(leaf.NotBefore), in(leaf.NotBefore.Sub(l.now)))
	}
	if key == nil {
		return
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		l.fatal("the client-key does not go with the client-certificate: %s; put both there again", printable(strings.TrimPrefix(err.Error(), "tls: ")))
	}
}

// pem returns what is in the kubeconfig, or in a file; nil if that cannot be read. It
// reports whether there was to be something.
func (l *look) pem(field, path string, data []byte) ([]byte, bool) {
	if len(data) > 0 {
		if path != "" {
			l.fatal("there is a %s-data and a %s: the first counts, and kubectl refuses to go on; remove one of them", field, field)
		}
		return data, true
	}
	if path == "" {
		return nil, false
	}
	data, err := readBounded(path, maxPEM)
	if err != nil {
		l.fatal("the file of the %s cannot be read: %s", field, brief(err))
		return nil, true
	}
	return data, true
}

// leafOf returns the first certificate, which is the client's; those behind it have
// signed each other.
func leafOf(text []byte) (*x509.Certificate, error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, errors.New("there is none in PEM form in it")
		}
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
}

// stamp writes a time for people.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
