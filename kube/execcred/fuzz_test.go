package execcred_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/pkg/apis/clientauthentication"
	"k8s.io/client-go/pkg/apis/clientauthentication/install"

	"github.com/tokenlife/tokenlife/kube/execcred"
	"github.com/tokenlife/tokenlife/token"
)

// clientGo reads as the plugin loader of client-go does.
var clientGo = func() func(text []byte) (*clientauthentication.ExecCredential, bool) {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	decoder := serializer.NewCodecFactory(scheme).UniversalDecoder(clientauthentication.SchemeGroupVersion)
	return func(text []byte) (*clientauthentication.ExecCredential, bool) {
		got, _, err := decoder.Decode(text, nil, nil)
		c, ok := got.(*clientauthentication.ExecCredential)
		return c, err == nil && ok
	}
}()

// Whatever a plugin prints, its token can be sent and is the one that client-go
// reads, or there is an error with nothing of it.
func FuzzReadCredential(f *testing.F) {
	for _, text := range []string{
		"", "canary", "{", "[]", "null", "\ufeff{}", request(""), request(`,"status":null`), request(`,"status":[]`),
		credential(execcred.V1, "t", ""), credential(execcred.V1Beta1, "t", ""), credential(execcred.V1, aJWT, "2126-01-01T00:00:00Z"),
		credential(execcred.V1, "t", "0001-01-01T00:00:00Z"), credential(execcred.V1, "t", "1999-01-01T00:00:00.5+01:00"),
		request(`,"status":{"token":"a","token":"b"}`), request(`,"status":{"token":"a","clientKeyData":"k"}`),
		request(`,"status":{"clientCertificateData":"c","clientKeyData":"k"},"later":{"a":[1,{"b":null}]}`), request(`,"status":{"token":"\ud800"}`),
		"kind: ExecCredential\napiVersion: client.authentication.k8s.io/v1\nstatus: {token: t}\n",
	} {
		f.Add([]byte(text))
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text []byte) {
		tok, err := execcred.ReadCredential(text, execcred.V1, now)
		if err != nil {
			if !tok.IsZero() || len(err.Error()) > 500 || !strings.HasPrefix(err.Error(), "standard output: ") || strings.Contains(err.Error(), "canary") {
				t.Errorf("%v, %v", tok, err)
			}
			return
		}
		value := tok.Value.Reveal()
		if value == "" || len(value) > token.MaxSize || strings.ContainsFunc(value, func(c rune) bool { return c <= ' ' || c > '~' }) {
			t.Fatalf("%q was taken for a token", value)
		}
		if tok.ExpiresIn < 0 || tok.ExpiresIn > 0 && (!tok.Expiry.After(now) || tok.Expiry.Location() != time.UTC) {
			t.Errorf("%v left until %v", tok.ExpiresIn, tok.Expiry)
		}
		if c, ok := clientGo(text); ok {
			if c.Status == nil || c.Status.Token != value {
				t.Errorf("client-go reads %+v, and not %q", c.Status, value)
			}
			if end := c.Status.ExpirationTimestamp; !end.IsZero() && !end.Time.Equal(tok.Expiry) || end.IsZero() && tok.ExpiresIn != 0 {
				t.Errorf("client-go reads %v, and not %v", end, tok.Expiry)
			}
		}
	})
}

// Whatever is in the environment, a Request is what client-go reads there, and can be
// passed on; or there is an error with nothing of it.
func FuzzParseRequest(f *testing.F) {
	for _, text := range []string{
		"", "canary", "{", "[]", "null", "\ufeff{}", request(""), request(`,"spec":null`), request(`,"spec":[]`),
		request(`,"spec":{"cluster":{"server":"https://a.example","config":null},"interactive":true}`),
		request(`,"spec":{"cluster":{"server":"s","tls-server-name":"n","insecure-skip-tls-verify":true,"certificate-authority-data":"UEVN","proxy-url":"p","disable-compression":true,"config":{"a":[1, 2]}}}`),
		strings.Replace(request(""), "/v1", "/v1alpha1", 1), request(`,"spec":{"interactive":1}`), request(`,"Kind":""`),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := execcred.ParseRequest(text)
		if err != nil {
			if r != (execcred.Request{}) || len(err.Error()) > 500 || strings.Contains(err.Error(), "canary") {
				t.Errorf("%v, %v", r, err)
			}
			return
		}
		if c, ok := clientGo(text); ok {
			if c.Spec.Interactive != r.Interactive || (c.Spec.Cluster == nil) != (r.Cluster == nil) {
				t.Errorf("client-go reads %+v, and not %+v", c.Spec, r)
			}
			if a, b := c.Spec.Cluster, r.Cluster; a != nil && b != nil && (a.Server != b.Server || a.TLSServerName != b.TLSServerName ||
				a.InsecureSkipTLSVerify != b.InsecureSkipTLSVerify || string(a.CertificateAuthorityData) != string(b.CertificateAuthorityData) ||
				a.ProxyURL != b.ProxyURL || a.DisableCompression != b.DisableCompression) {
				t.Errorf("client-go reads %+v, and not %+v", a, b)
			}
		}
		encoded, err := execcred.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := execcred.ParseRequest([]byte(encoded))
		if r.Cluster != nil && again.Cluster != nil {
			again.Cluster.Config, r.Cluster.Config = nil, nil // which is compacted
			if len(r.Cluster.CertificateAuthorityData) == 0 {
				r.Cluster.CertificateAuthorityData = nil
			}
		}
		if diff := cmp.Diff(r, again); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}
