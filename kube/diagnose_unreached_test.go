package kube_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// failing returns what connects to nothing, with an error.
func failing(err error) *http.Transport {
	return &http.Transport{DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return nil, err }}
}

// Whatever a connection fails with, it is the server that does not answer, as long as
// nothing has come that no API server says: a connection that was kept and is dead, for
// one, fails with words of its own.
func TestDiagnoseUnreached(t *testing.T) {
	t.Parallel()
	const untrusted = "the certificate of the API server cannot be verified, and the token was not sent"
	const away, notAPI = "the API server does not answer, and the token was not looked at", "what answers is not a Kubernetes API server, and the token was not sent"
	for _, test := range []struct {
		err  error
		want string
	}{
		{errors.New("http2: client conn could not be established"), away},
		{errors.New("http2: client connection lost"), away},
		{errors.New("proxyconnect tcp: EOF"), away},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, untrusted},
		{http.ErrSchemeMismatch, notAPI},
		{errors.New(`net/http: HTTP/1.x transport connection broken: malformed HTTP response "SSH-2.0"`), notAPI},
	} {
		cfg := &rest.Config{Host: "https://127.0.0.1:1", Transport: failing(test.err)}
		d := kube.Diagnose(t.Context(), kube.Suspect{Token: token.NewSecret("not-a-token")}, cfg)
		if len(d.Findings) != 1 || d.Findings[0].Cause != test.want || !d.Findings[0].Certain {
			t.Errorf("%v:\n%v", test.err, d)
		}
	}
}
