package kubelogin_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// TestForeignKubeconfig shows that a kubeconfig of somebody else's, with the user's own
// plugin in it, gets nothing of the login for the cluster that she trusts: she is asked
// to log in, and says no.
func TestForeignKubeconfig(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	w.useLogin(t)
	w.firstLogin(t)
	w.issuer.Refuse(t, true)

	var tokens atomic.Int64
	thief := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			tokens.Add(1)
		}
	}))
	defer thief.Close()
	thiefCA := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: thief.Certificate().Raw})
	own, err := clientcmd.LoadFromFile(w.user.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	pages := 1
	for name, change := range map[string]func(*clientcmdapi.Cluster){
		"another server":   func(c *clientcmdapi.Cluster) { c.Server, c.CertificateAuthorityData = thief.URL, thiefCA },
		"another proxy":    func(c *clientcmdapi.Cluster) { c.ProxyURL = thief.URL },
		"any certificate":  func(c *clientcmdapi.Cluster) { c.CertificateAuthorityData, c.InsecureSkipTLSVerify = nil, true },
		"another name":     func(c *clientcmdapi.Cluster) { c.TLSServerName = "localhost" },
		"more authorities": func(c *clientcmdapi.Cluster) { c.CertificateAuthorityData = append(w.server.CA, w.issuer.CA...) },
	} {
		theirs := own.DeepCopy()
		change(theirs.Clusters["c"])
		if err := clientcmd.WriteToFile(*theirs, w.user.Kubeconfig); err != nil {
			t.Fatal(err)
		}
		if err := w.whoAmI(t.Context()); err == nil || !strings.Contains(err.Error(), "access_denied") {
			t.Errorf("%s: got %v, want that the login was refused", name, err)
		}
		pages++
		w.wantPages(t, pages)
	}
	if n := tokens.Load(); n > 0 {
		t.Errorf("%d requests with a token came", n)
	}

	// Her own is as it was.
	if err := clientcmd.WriteToFile(*own, w.user.Kubeconfig); err != nil {
		t.Fatal(err)
	}
	if err := w.whoAmI(t.Context()); err != nil {
		t.Error(err)
	}
	w.wantPages(t, pages)
}
