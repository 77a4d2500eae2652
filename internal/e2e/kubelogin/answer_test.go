package kubelogin_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/oauth2"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tokenlife/tokenlife/kube/execcred"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// Variables of the plugin.
const (
	pluginToken = "KUBELOGIN_TEST_TOKEN" // file with the token to answer
	pluginLog   = "KUBELOGIN_TEST_SAW"   // file that gets the request, as it came
)

// answer is a plugin that answers with a token from a file.
func answer() error {
	req, err := execcred.ReadRequest()
	if err != nil {
		return err
	}
	if req.Cluster == nil || req.Cluster.Server == "" {
		return errors.New("the cluster is not named")
	}
	if err := os.WriteFile(os.Getenv(pluginLog), []byte(os.Getenv("KUBERNETES_EXEC_INFO")), 0o600); err != nil {
		return err
	}
	text, err := os.ReadFile(os.Getenv(pluginToken))
	if err != nil {
		return err
	}
	return req.Answer(os.Stdout, token.Token{Value: token.NewSecret(string(text)), ExpiresIn: time.Hour})
}

// TestAnswer shows that kubectl reads what Request.Answer writes, in both versions, and
// the API server takes the token.
func TestAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	tok := w.idToken(t).Access
	file := filepath.Join(w.user.Home, "token")
	if err := os.WriteFile(file, []byte(tok.Value.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{execcred.V1, execcred.V1Beta1} {
		saw := filepath.Join(w.user.Home, "saw")
		w.be(t, &clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
			Command: self, APIVersion: version, ProvideClusterInfo: true,
			InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
			Env: []clientcmdapi.ExecEnvVar{
				{Name: roleVar, Value: "plugin"}, {Name: pluginToken, Value: file}, {Name: pluginLog, Value: saw},
			},
		}})
		began := time.Now()
		if err := w.whoAmI(t.Context()); err != nil {
			t.Errorf("%s: %v", version, err)
		}
		t.Logf("%s: answered in %v", version, time.Since(began).Round(time.Millisecond))
		if text, err := os.ReadFile(saw); err != nil || len(text) == 0 {
			t.Errorf("%s: the plugin saw %q (%v)", version, text, err)
		}
	}
}

// idToken has the issuer make a pair with an ID token, without a browser.
func (w *world) idToken(t testing.TB) refresh.Pair {
	t.Helper()
	e := &oauth2adapt.Exchanger{IDToken: true, Client: w.issuer.HTTPClient(), Config: &oauth2.Config{
		ClientID: w.issuer.Public.ID, Endpoint: oauth2.Endpoint{TokenURL: w.issuer.URL + "/token", AuthStyle: oauth2.AuthStyleInParams},
	}}
	pair, err := e.Exchange(t.Context(), w.issuer.Login(t, w.issuer.Public).Refresh.Value)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}
