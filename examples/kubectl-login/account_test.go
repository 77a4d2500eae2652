package main

import (
	"testing"

	"github.com/tokenlife/tokenlife/kube/execcred"
)

// TestKey has everything by which a token could go somewhere else make another login.
func TestKey(t *testing.T) {
	t.Parallel()
	type input struct {
		o  options
		c  execcred.Cluster
		ca string
	}
	same := func() input {
		return input{
			options{issuer: "https://issuer.example", clientID: "k", scopes: []string{"email", "openid"}},
			execcred.Cluster{Server: "https://c.example", CertificateAuthorityData: []byte("CA")},
			"PEM",
		}
	}
	keys := map[string]string{}
	for name, change := range map[string]func(*input){
		"the same":        func(*input) {},
		"issuer":          func(i *input) { i.o.issuer += "/" },
		"client":          func(i *input) { i.o.clientID = "l" },
		"scopes":          func(i *input) { i.o.scopes = []string{"openid"} },
		"server":          func(i *input) { i.c.Server = "https://d.example" },
		"CA":              func(i *input) { i.c.CertificateAuthorityData = []byte("other") },
		"no CA":           func(i *input) { i.c.CertificateAuthorityData = nil },
		"server name":     func(i *input) { i.c.TLSServerName = "evil.example" },
		"no verification": func(i *input) { i.c.InsecureSkipTLSVerify = true },
		"proxy":           func(i *input) { i.c.ProxyURL = "http://evil.example" },
		"CA of issuer":    func(i *input) { i.ca = "other" },
		"borders": func(i *input) {
			i.c.Server, i.c.CertificateAuthorityData = i.c.Server+"C", []byte("A")
		},
		"other borders": func(i *input) { i.o.issuer, i.o.clientID = i.o.issuer+"k", "" },
	} {
		i := same()
		change(&i)
		key := keyOf(i.o, &i.c, []byte(i.ca))
		if other, ok := keys[key]; ok {
			t.Errorf("%s and %s share a login", name, other)
		}
		keys[key] = name
	}
	i := same()
	i.c.DisableCompression, i.c.Config = true, []byte(`{"a":1}`)
	if keys[keyOf(i.o, &i.c, []byte(i.ca))] != "the same" {
		t.Error("what does not matter makes another login")
	}
}

// TestForeignKubeconfig has a kubeconfig name the same issuer and server, and another
// certificate: it gets nothing of the login that there is.
func TestForeignKubeconfig(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run(t, "get-token").tokens(t)
	b.issuer.set(func(i *issuer) { i.deny = "access_denied" })
	b.env = []string{`KUBERNETES_EXEC_INFO={"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false,"cluster":{"server":"` + b.server + `","certificate-authority-data":"RVZJTA==","config":null}}}`}
	b.run(t, "get-token").fails(t, "access_denied")
	b.saw(t, counts{Authorizations: 2, Logins: 1})
}
