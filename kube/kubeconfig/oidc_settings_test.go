package kubeconfig

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// The issuer's authority is the one in the kubeconfig, or in a file beside it, and no
// other; without one it is the system's.
func TestOIDCAuthority(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	good := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	data := func(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
	x509.SystemCertPool() // it is read once, which may take longer than a discovery may
	for name, test := range map[string]struct{ fields, want string }{
		"data":             {"idp-certificate-authority-data: " + data(good), ""},
		"a file":           {"idp-certificate-authority: ABSOLUTE", ""},
		"a relative file":  {"idp-certificate-authority: ./pki/ca.pem", ""},
		"both":             {"idp-certificate-authority: missing\n        idp-certificate-authority-data: " + data(good), ""},
		"none":             {"other: z", "certificate signed by unknown authority"},
		"a missing file":   {"idp-certificate-authority: missing.pem", "auth-provider.config.idp-certificate-authority: "},
		"a folder":         {"idp-certificate-authority: .", "auth-provider.config.idp-certificate-authority: "},
		"not PEM":          {"idp-certificate-authority-data: " + data([]byte("hush")), "auth-provider.config.idp-certificate-authority-data: there is no certificate in it"},
		"not base64":       {"idp-certificate-authority-data: '!hush'", "auth-provider.config.idp-certificate-authority-data: illegal base64"},
		"a file of nought": {"idp-certificate-authority: config", "auth-provider.config.idp-certificate-authority: there is no certificate in it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, time.Hour, -1)
			d.url = server.URL
			ca := filepath.Join(filepath.Dir(d.path), "pki", "ca.pem")
			if err := os.Mkdir(filepath.Dir(ca), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(ca, good, 0o600); err != nil {
				t.Fatal(err)
			}
			d.write(t, refresh.Pair{Refresh: d.login(t).Refresh})
			d.put(t, strings.Replace(d.text(t), "        idp-issuer-url", "        "+strings.ReplaceAll(test.fields, "ABSOLUTE", ca)+"\n        idp-issuer-url", 1))
			o := d.source(nil)
			o.Client = nil
			_, err := o.Token(t.Context())
			if err == nil || errors.Is(err, token.ErrRefused) || strings.Contains(err.Error(), "hush") {
				t.Fatalf("got %v", err)
			}
			if test.want == "" {
				test.want = "GET " + server.URL + "/.well-known/openid-configuration: 404 Not Found" // which is an answer
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// No request goes out on a connection that the issuer may just have closed.
func TestOIDCConnections(t *testing.T) {
	t.Parallel()
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	transport, err := (&oidcSettings{caData: base64.StdEncoding.EncodeToString(ca)}).transport()
	if err != nil {
		t.Fatal(err)
	}
	if most := transport.(*http.Transport).MaxResponseHeaderBytes; most != 64<<10 {
		t.Errorf("the header of an answer may have %d bytes", most)
	}
	for range 3 {
		resp, err := (&http.Client{Transport: transport}).Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if n := opened.Load(); n != 3 {
		t.Errorf("%d connections", n)
	}
}

// Dir has a default, in which folders are for the user only.
func TestOIDCDefaultDir(t *testing.T) {
	d := newDesk(t, time.Hour, -1)
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} {
		t.Setenv(name, home)
	}
	base, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	o := d.source(nil)
	o.store = nil
	get(t, o)
	info, err := os.Stat(filepath.Join(base, "tokenlife", "kubeconfig"))
	if err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("%v, %v", info, err)
	}
	t.Setenv("HOME", "")
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("AppData", "")
	var events journal
	o = d.source(&events)
	o.store = nil
	get(t, o) // from the kubeconfig
	if e := events.all(); len(e) != 1 || !strings.Contains(e[0].Err.Error(), "set OIDC.Dir") {
		t.Errorf("events %v", e)
	}
}

// A login is one user's, of one file, at one issuer, as one client.
func TestOIDCKey(t *testing.T) {
	t.Parallel()
	keys := map[string]bool{}
	all := []oidcSettings{
		{issuer: "a", client: "b", user: "c", real: "d"},
		{issuer: "a2", client: "b", user: "c", real: "d"},
		{issuer: "a", client: "b2", user: "c", real: "d"},
		{issuer: "a", client: "b", user: "c2", real: "d"},
		{issuer: "a", client: "b", user: "c", real: "d2"},
		{issuer: "ab", client: "", user: "c", real: "d"},
		{issuer: "a", client: "bc", user: "", real: "d"},
	}
	for _, s := range all {
		keys[s.loginKey()] = true
	}
	if len(keys) != len(all) {
		t.Errorf("%d keys of %d logins", len(keys), len(all))
	}
	again := oidcSettings{issuer: "a", client: "b", user: "c", real: "d", file: "e", caData: "f"}
	if !keys[again.loginKey()] {
		t.Error("another key for what is no matter")
	}
}

// Whatever is recorded: what is remembered is found, the record does not grow, and what
// was not remembered is not found.
func FuzzOIDCRecord(f *testing.F) {
	f.Add([]byte(`{"v":1,"known":["a","b"]}`))
	f.Add([]byte(`{"v":2}`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := oidcLogin{key: "k", store: new(refresh.Memory)}
		if len(raw) == 0 || len(raw) > 32<<10 {
			raw = nil
		}
		if ok, err := l.store.Swap(t.Context(), l.recordKey(), nil, raw, time.Time{}); !ok || err != nil {
			t.Fatal(ok, err)
		}
		tok := token.Token{Value: token.NewSecret("r")}
		if err := l.remember(t.Context(), tok); err != nil {
			if _, now, _ := l.record(t.Context()); now != nil {
				t.Fatalf("%v, and yet it can be read", err)
			}
			return
		}
		if wrote, err := l.wrote(t.Context(), tok); err != nil || !wrote {
			t.Fatalf("%t, %v", wrote, err)
		}
		if known, _, _ := l.record(t.Context()); len(known) > maxKnown && raw == nil {
			t.Fatalf("%d are known", len(known))
		}
	})
}
