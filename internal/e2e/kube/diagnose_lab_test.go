package kube_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt/jwttest"
)

// A lab is a server to which the things are done that tokens are refused for. It
// signs with a key that can be replaced, and knows the users of an OpenID Connect
// issuer.
type lab struct {
	*apiserver.Server
	audit  auditLog
	issuer *jwttest.Issuer
	keys   string // the folder of the key
	n      int    // of service accounts made
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{keys: t.TempDir()}
	l.replaceKey(t)
	issuer, authentication := newOpenID(t)
	l.issuer = issuer
	log, policy := newAuditLog(t)
	l.audit = log
	l.Server = apiserver.Start(t,
		"--service-account-signing-key-file="+filepath.Join(l.keys, "key"), "--service-account-key-file="+filepath.Join(l.keys, "pub"),
		"--authentication-config="+authentication,
		"--audit-log-path="+string(log), "--audit-policy-file="+policy)
	l.CreateServiceAccount(t, "prod", "api")
	delegate(t, l.Server)
	// It asks the issuer for its keys a little after its own start.
	eventually(t, "the server knows the issuer", func() error {
		if st := review(t, l.Server, token.New(idToken(nil)(t, l).Token)); !st.Authenticated {
			return errors.New(st.Error)
		}
		return nil
	})
	return l
}

// replaceKey makes the key that the server signs with, once it is restarted, and
// that it knows besides SigningKey.
func (l *lab) replaceKey(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"key": {Type: "EC PRIVATE KEY", Bytes: private}, "pub": {Type: "PUBLIC KEY", Bytes: public}} {
		if err := os.WriteFile(filepath.Join(l.keys, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// account makes a service account of namespace ci that nothing else is done to.
func (l *lab) account(t *testing.T) *corev1.ServiceAccount {
	t.Helper()
	l.n++
	return l.CreateServiceAccount(t, "ci", fmt.Sprintf("app-%d", l.n))
}

// mint has the server make a token of a new service account, for ten minutes.
func (l *lab) mint(t *testing.T, audiences ...string) token.Secret {
	t.Helper()
	return tokenOf(t, l.Server, kube.Request{ServiceAccount: l.account(t).Name, Audiences: audiences, Lifetime: 10 * time.Minute})
}

// at does something while the server's clock is off.
func (l *lab) at(t *testing.T, offset time.Duration, do func()) {
	t.Helper()
	l.SetClock(t, offset)
	defer l.SetClock(t, 0)
	do()
}

// claims are those of a token of account that the server would make, with changes.
func claimsOf(account *corev1.ServiceAccount, change map[string]any) map[string]any {
	now := time.Now()
	all := map[string]any{
		"iss": apiserver.Issuer, "sub": "system:serviceaccount:" + account.Namespace + ":" + account.Name, "aud": []string{apiserver.Issuer},
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(), "jti": rand.Text(),
		"kubernetes.io": map[string]any{"namespace": account.Namespace, "serviceaccount": map[string]any{"name": account.Name, "uid": string(account.UID)}},
	}
	for k, v := range change {
		all[k] = v
	}
	return all
}

// lose does something to what a token depends on, and waits until the server knows.
func (l *lab) lose(t *testing.T, r kube.Request, do func()) token.Secret {
	t.Helper()
	secret, spares := tokenOf(t, l.Server, r), spare(t, l.Server, r)
	do()
	settled(t, l.Server, spares)
	return secret
}

// An asker is who wants to know why a token is refused: its client, and what it can
// find out.
type asker struct {
	name string
	as   func(s token.Secret) *rest.Config

	judges bool // it may review tokens
	sees   bool // it may look at all else as well
	dead   bool // its credential is refused
}

// askerRefused is what an asker may always be told for certain of its own credential.
const askerRefused = "the credential with which the token was to be looked into is refused itself"

// refused reports whether the server refuses the credential of a, which may be s.
func (a asker) refused(s kube.Suspect) bool {
	return a.dead || a.name == itselfAsks && s.Audiences != nil
}

const itselfAsks = "the token itself"

// askers are all that differ in what they may look at, the mightiest first.
func (l *lab) askers(t *testing.T) []asker {
	t.Helper()
	always := func(c *rest.Config) func(token.Secret) *rest.Config {
		return func(token.Secret) *rest.Config { return rest.CopyConfig(c) }
	}
	bearer := func(s token.Secret) *rest.Config { return bearerConfig(l, s) }
	// It may review tokens, and look at nothing. Its token is good wherever the server's
	// clock is put.
	var reviewer token.Token
	l.at(t, -time.Hour, func() {
		var err error
		if reviewer, err = (&kube.Source{Client: l.Client().CoreV1().ServiceAccounts("prod"), Request: kube.Request{ServiceAccount: "api", Lifetime: 4 * time.Hour}}).Token(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	return []asker{
		{name: "an admin", as: always(l.Admin()), judges: true, sees: true},
		{name: "one who may review tokens", as: always(bearer(reviewer.Value)), judges: true},
		{name: "one who may do nothing", as: always(l.User("alice"))},
		{name: itselfAsks, as: bearer},
		{name: "one whose credential is refused", as: always(bearer(token.NewSecret("not-a-token-of-this-server"))), dead: true},
		{name: "one without a credential", as: always(rest.AnonymousClientConfig(l.Admin()))},
		{name: "nobody", as: func(token.Secret) *rest.Config { return nil }},
	}
}

// bearerConfig returns how to reach the server with a token and nothing else.
func bearerConfig(l *lab, s token.Secret) *rest.Config {
	c := rest.AnonymousClientConfig(l.Admin())
	c.BearerToken = s.Reveal()
	return c
}

// objects returns the resource versions of all that a diagnosis could change.
func (l *lab) objects(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	add := func(kind string, o metav1.Object) {
		all[kind+" "+o.GetNamespace()+"/"+o.GetName()] = string(o.GetUID()) + " " + o.GetResourceVersion()
	}
	core, rbac, ctx := l.Client().CoreV1(), l.Client().RbacV1(), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	accounts, err := core.ServiceAccounts("").List(ctx, metav1.ListOptions{})
	must(err)
	for i := range accounts.Items {
		add("ServiceAccount", &accounts.Items[i])
	}
	secrets, err := core.Secrets("").List(ctx, metav1.ListOptions{})
	must(err)
	for i := range secrets.Items {
		add("Secret", &secrets.Items[i])
	}
	pods, err := core.Pods("").List(ctx, metav1.ListOptions{})
	must(err)
	for i := range pods.Items {
		add("Pod", &pods.Items[i])
	}
	nodes, err := core.Nodes().List(ctx, metav1.ListOptions{})
	must(err)
	for i := range nodes.Items {
		add("Node", &nodes.Items[i])
	}
	bindings, err := rbac.RoleBindings("").List(ctx, metav1.ListOptions{})
	must(err)
	for i := range bindings.Items {
		add("RoleBinding", &bindings.Items[i])
	}
	clusterBindings, err := rbac.ClusterRoleBindings().List(ctx, metav1.ListOptions{})
	must(err)
	for i := range clusterBindings.Items {
		add("ClusterRoleBinding", &clusterBindings.Items[i])
	}
	return all
}
