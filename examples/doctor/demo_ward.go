package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/tokenlife/tokenlife/examples/internal/story"
	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/session/dashboard"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwe"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// A ward has the servers of the demo, and makes tokens that something is wrong with.
type ward struct {
	kubeconfig                     string // the file
	rancher16, rancher2, dashboard string // URLs

	api     *apiServer
	v2beta  *ranchertest.V2Beta
	v3      *ranchertest.V3
	keys    jwt.Keys // of the Dashboard
	closers []func()
}

func newWard(kubeconfig string) (*ward, error) {
	w := &ward{kubeconfig: kubeconfig, api: newAPIServer(), v2beta: ranchertest.NewV2Beta(), v3: ranchertest.NewV3("v2.13.1")}
	w.v2beta.AddUser("admin", demoPassword, "admin")
	w.v3.AddUser("admin", demoPassword)
	var err error
	if w.keys, err = dashboardKeys(); err != nil {
		return nil, err
	}
	for url, h := range map[*string]http.Handler{&w.rancher16: w.v2beta, &w.rancher2: w.v3, &w.dashboard: dashboardOf(w.keys)} {
		at, stop, err := story.Serve(h)
		if err != nil {
			w.close()
			return nil, err
		}
		*url = at
		w.closers = append(w.closers, func() { _ = stop() })
	}
	w.v2beta.URL, w.v3.URL = w.rancher16, w.rancher2
	server := httptest.NewTLSServer(w.api)
	w.closers = append(w.closers, server.Close)
	if err := w.writeKubeconfig(server); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *ward) close() {
	for _, c := range w.closers {
		c()
	}
}

const demoPassword = "open sesame"

// writeKubeconfig writes the kubeconfig of the demo: an administrator, for whom the
// context is, and a user whose token has expired.
func (w *ward) writeKubeconfig(server *httptest.Server) error {
	old, _ := w.expired(context.Background())
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	text, err := json.Marshal(object{
		"apiVersion": "v1", "kind": "Config", "current-context": "demo",
		"clusters": []object{{"name": "demo", "cluster": object{"server": server.URL, "certificate-authority-data": base64.StdEncoding.EncodeToString(ca)}}},
		"users":    []object{{"name": "admin", "user": object{"token": w.api.admin.Reveal()}}, {"name": "old", "user": object{"token": old.Reveal()}}},
		"contexts": []object{{"name": "demo", "context": object{"cluster": "demo", "user": "admin"}}, {"name": "old", "context": object{"cluster": "demo", "user": "old"}}},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(w.kubeconfig, text, 0o600)
}

// expired is a token of a service account that has expired five minutes ago.
func (w *ward) expired(context.Context) (token.Secret, error) {
	return w.api.mint(-65*time.Minute, "", "[invalid bearer token, service account token has expired]"), nil
}

// podGone is one whose pod is not there.
func (w *ward) podGone(context.Context) (token.Secret, error) {
	const pod = `,"pod":{"name":"build-7","uid":"5a0f2b7e-1c9d-4e8a-b3f6-7d2c4e6a8b01"}`
	return w.api.mint(-20*time.Minute, pod, "[invalid bearer token, service account token has been invalidated]"), nil
}

// good is one that nothing is wrong with.
func (w *ward) good(context.Context) (token.Secret, error) {
	return w.api.mint(-20*time.Minute, "", ""), nil
}

// lockedOut is a token of Rancher 1.6 whose user may not log in any more.
func (w *ward) lockedOut(ctx context.Context) (token.Secret, error) {
	c := &rancher.V2Beta{Server: &rancher.Server{URL: w.rancher16}}
	login, err := c.Login(ctx, rancher.Credentials{Username: "admin", Password: token.NewSecret(demoPassword)})
	w.v2beta.SetAccess("admin", false)
	return login.Token.Value, err
}

// disabled is a token of Rancher 2.x that is disabled, and another of the same user.
func (w *ward) disabled(ctx context.Context) (tok, other token.Secret, err error) {
	c := &rancher.V3{Server: &rancher.Server{URL: w.rancher2}}
	var both [2]token.Secret
	for i := range both {
		login, err := c.Login(ctx, rancher.Credentials{Username: "admin", Password: token.NewSecret(demoPassword)})
		if err != nil {
			return tok, other, err
		}
		both[i] = login.Token.Value
	}
	b, err := rancher.ParseV3(both[0])
	if err == nil {
		w.v3.DisableToken(b.Name)
	}
	return both[0], both[1], err
}

// session is a session of the Dashboard, of somebody whose token is good.
func (w *ward) session(ctx context.Context) (token.Secret, error) { return w.sealed(ctx, w.keys) }

// otherKey is one under a key that the Dashboard does not have any more.
func (w *ward) otherKey(ctx context.Context) (token.Secret, error) {
	keys, err := dashboardKeys()
	if err != nil {
		return token.Secret{}, err
	}
	return w.sealed(ctx, keys)
}

func (w *ward) sealed(ctx context.Context, keys jwt.Keys) (token.Secret, error) {
	good, _ := w.good(ctx)
	d := jwe.Dashboard{Keys: keys}
	return d.Seal(ctx, token.NewSecret(fmt.Sprintf(`{"LocationOfOrigin":"","token":%q}`, good.Reveal())))
}

func dashboardKeys() (jwt.Keys, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	return jwt.Keys{{Private: key}}, err
}

// dashboardOf is a Dashboard with nothing on it.
func dashboardOf(keys jwt.Keys) http.Handler {
	s := &dashboard.Server{
		Keys: keys, CSRFKey: token.NewSecret(rand.Text() + rand.Text()), Insecure: true, // it is reached from this machine alone
		Authenticate: func(context.Context, dashboard.Credential) (string, error) {
			return "", errors.New("nobody logs in here")
		},
	}
	mux := http.NewServeMux()
	s.Register(mux)
	mux.Handle("/api/v1/", s.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"namespaces":[],"errors":[]}`)
	})))
	return mux
}
