package rancher

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

// What is sent, and what is read of the answer. The lifetime is in seconds here.
func TestKubeconfigExchange(t *testing.T) {
	t.Parallel()
	const made = `{"apiVersion":"ext.cattle.io/v1","kind":"Kubeconfig","metadata":{"name":"kubeconfig-x7k2p","creationTimestamp":"2026-08-19T16:00:00Z"},
		"spec":{"clusters":["local","c-m-x"],"currentContext":"c-m-x","description":"ci","ttl":5400},
		"status":{"summary":"Complete","conditions":[{"type":"TokenCreated"}],"tokens":["kubeconfig-user-abcde7k2px"],"value":"apiVersion: v1\nkind: Config\n"}}`
	c, server := script(t, map[string]http.HandlerFunc{"POST /ext/apis/ext.cattle.io/v1/kubeconfigs": says(201, "true", made)})
	c.Source = token.Static(token.Token{Value: v3Secret})
	config, got, err := c.CreateKubeconfig(t.Context(), V3KubeconfigRequest{
		Description: "ci", Clusters: []string{"local", "c-m-x"}, CurrentContext: "c-m-x", Lifetime: 90*time.Minute + time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"apiVersion":"ext.cattle.io/v1","kind":"Kubeconfig","metadata":{},"spec":{"clusters":["local","c-m-x"],"currentContext":"c-m-x","description":"ci","ttl":5400}}`
	if diff := cmp.Diff(body, server.body()); diff != "" {
		t.Error(diff)
	}
	created := time.Date(2026, 8, 19, 16, 0, 0, 0, time.UTC)
	want := V3Kubeconfig{
		Name: "kubeconfig-x7k2p", Description: "ci", Clusters: []string{"local", "c-m-x"}, Tokens: []string{"kubeconfig-user-abcde7k2px"},
		Created: created, Lifetime: 90 * time.Minute, ExpiresAt: created.Add(90 * time.Minute),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if config.Reveal() != "apiVersion: v1\nkind: Config\n" {
		t.Error("the kubeconfig is another")
	}
}

func TestKubeconfigLife(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"v2.12.0", "v2.13.1", "v2.15.0"} {
		t.Run("B.8 Kubeconfig: "+version, func(t *testing.T) {
			t.Parallel()
			fake, c := newV3(version)
			fake.AddCluster("c-m-x")
			loginV3(t, c)
			config, made, err := c.CreateKubeconfig(t.Context(), V3KubeconfigRequest{Clusters: []string{"*"}})
			if err != nil {
				t.Fatal(err)
			}
			if made.Lifetime != 24*time.Hour || len(made.Tokens) != 1 || !strings.HasPrefix(made.Name, "kubeconfig-") {
				t.Errorf("%+v", made)
			}
			_, rest, _ := strings.Cut(config.Reveal(), `token: "`)
			inside, _, _ := strings.Cut(rest, `"`)
			if probe, err := c.Probe(t.Context(), token.NewSecret(inside)); err != nil || !probe.Live {
				t.Errorf("its token is of no use: %+v, %v", probe, err)
			}
			for range 2 { // one that is gone already is no error
				if err := c.DeleteKubeconfig(t.Context(), made.Name); err != nil {
					t.Error(err)
				}
			}
			if probe, err := c.Probe(t.Context(), token.NewSecret(inside)); err != nil || probe.Live {
				t.Errorf("its token is not deleted with it: %+v, %v", probe, err)
			}
		})
	}
}

// A lifetime is refused rather than shortened here. Nobody's choice is the
// server's, unless it lives for ever.
func TestKubeconfigLifetime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		def, max string // minutes
		ask      V3KubeconfigRequest
		granted  time.Duration
		calls    int
		text     string // of the error
	}{
		{"43200", "0", V3KubeconfigRequest{}, 24 * time.Hour, 1, ""},
		{"43200", "0", V3KubeconfigRequest{Lifetime: time.Hour}, time.Hour, 1, ""},
		{"60", "0", V3KubeconfigRequest{}, time.Hour, 2, ""},
		{"60", "30", V3KubeconfigRequest{}, 30 * time.Minute, 2, ""},
		{"60", "0", V3KubeconfigRequest{AnyLifetime: true}, time.Hour, 1, ""},
		{"60", "0", V3KubeconfigRequest{Lifetime: 2 * time.Hour}, 0, 1, "the lifetime is more than 1h0m0s: the server does not take this as a request; ask for less, or have an administrator raise kubeconfig-default-token-ttl-minutes"},
		{"0", "0", V3KubeconfigRequest{AnyLifetime: true}, 0, 1, ""},
		{"0", "0", V3KubeconfigRequest{}, 0, 1, "it makes none but those that live for ever"},
		{"0", "0", V3KubeconfigRequest{Lifetime: time.Hour}, 0, 1, "it makes none but those that live for ever"},
		{"43200", "0", V3KubeconfigRequest{Lifetime: -1}, 0, 0, "less than a second"},
		{"43200", "0", V3KubeconfigRequest{Lifetime: time.Millisecond}, 0, 0, "less than a second"},
		{"43200", "0", V3KubeconfigRequest{Lifetime: time.Hour, AnyLifetime: true}, 0, 0, "set one of them"},
		{"43200", "0", V3KubeconfigRequest{Clusters: []string{"local", "a/b"}}, 0, 0, "cannot be the name of a cluster"},
		{"43200", "0", V3KubeconfigRequest{CurrentContext: "*/"}, 0, 0, "cannot be the name of a cluster"},
		{"43200", "0", V3KubeconfigRequest{Description: strings.Repeat("x", 1000)}, 0, 0, "Description"},
	} {
		t.Run("B.8 Kubeconfig: ttl, default "+tt.def+", max "+tt.max+", asked "+tt.ask.Lifetime.String(), func(t *testing.T) {
			t.Parallel()
			fake, c := newV3("v2.13.1")
			fake.Set("kubeconfig-default-token-ttl-minutes", tt.def)
			fake.Set("auth-token-max-ttl-minutes", tt.max)
			loginV3(t, c)
			before := len(fake.Requests())
			config, made, err := c.CreateKubeconfig(t.Context(), tt.ask)
			if calls := len(fake.Requests()) - before; calls != tt.calls {
				t.Errorf("%d calls", calls)
			}
			if tt.text != "" {
				if err == nil || !strings.Contains(err.Error(), tt.text) || !config.IsZero() || len(fake.Tokens()) != 1 {
					t.Errorf("%v, with %d tokens", err, len(fake.Tokens()))
				}
				return
			}
			if err != nil || made.Lifetime != tt.granted || config.IsZero() {
				t.Errorf("%v, %v", made.Lifetime, err)
			}
		})
	}
}

// What was made other than it was asked for is deleted again.
func TestKubeconfigWider(t *testing.T) {
	t.Parallel()
	const path = "/ext/apis/ext.cattle.io/v1/kubeconfigs"
	for _, tt := range []struct {
		name, body string
		want       error
		text       string
	}{
		{"for ever", `{"metadata":{"name":"kubeconfig-x7k2p"},"spec":{"ttl":0},"status":{"value":"hunter2"}}`, ErrWider, "its tokens live for ever"},
		{"longer", `{"metadata":{"name":"kubeconfig-x7k2p"},"spec":{"ttl":86401},"status":{"value":"hunter2"}}`, ErrWider, "its tokens live for 24h0m1s"},
		{"no text", `{"metadata":{"name":"kubeconfig-x7k2p"},"spec":{"ttl":1},"status":{}}`, ErrNotRancher, "status.value: missing"},
		{"no ttl", `{"metadata":{"name":"kubeconfig-x7k2p"},"spec":{},"status":{"value":"hunter2"}}`, ErrNotRancher, "spec.ttl: missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, server := script(t, map[string]http.HandlerFunc{"POST " + path: says(201, "true", tt.body), "DELETE " + path + "/kubeconfig-x7k2p": says(200, "true", `{}`)})
			c.Source = token.Static(token.Token{Value: v3Secret})
			config, made, err := c.CreateKubeconfig(t.Context(), V3KubeconfigRequest{})
			checkV3Error(t, err, tt.want, 201, tt.text)
			if !config.IsZero() || made.Name != "" {
				t.Error("it is returned none the less")
			}
			if want := "POST " + path + ", DELETE " + path + "/kubeconfig-x7k2p"; server.asked() != want {
				t.Errorf("asked: %s", server.asked())
			}
		})
	}
	t.Run("no name", func(t *testing.T) {
		t.Parallel()
		c, server := script(t, map[string]http.HandlerFunc{"POST " + path: says(201, "true", `{"metadata":{"name":"../users/u-1"},"spec":{"ttl":1},"status":{"value":"hunter2"}}`)})
		c.Source = token.Static(token.Token{Value: v3Secret})
		_, _, err := c.CreateKubeconfig(t.Context(), V3KubeconfigRequest{})
		checkV3Error(t, err, ErrNotRancher, 201, "metadata.name: missing, or no name")
		if want := "POST " + path; server.asked() != want || strings.Contains(err.Error(), "u-1") {
			t.Errorf("asked: %s; %v", server.asked(), err)
		}
	})
	for _, text := range []string{
		`spec.ttl 2 exceeds max ttl 1`, `spec.ttl 86400 exceeds max ttl 86399`,
	} {
		if _, ok := parseMaxTTL(text); !ok {
			t.Errorf("%q is not understood", text)
		}
	}
	for _, text := range []string{``, `spec.ttl 1 exceeds max ttl `, `spec.ttl 1 exceeds max ttl -1`, `spec.ttl 1 exceeds max ttl 1x`, `hunter2 exceeds max ttl 7`} {
		if most, ok := parseMaxTTL(text); ok {
			t.Errorf("%q is understood as %d", text, most)
		}
	}
}

// The second try is the last one, whatever the server says to that.
func TestKubeconfigAsksTwiceAtMost(t *testing.T) {
	t.Parallel()
	for _, most := range []string{"0", "86400", "999999"} { // no reason to ask for that
		c, server := script(t, map[string]http.HandlerFunc{"POST /ext/apis/ext.cattle.io/v1/kubeconfigs": says(400, "true",
			`{"kind":"Status","status":"Failure","message":"spec.ttl 86400 exceeds max ttl `+most+`","reason":"BadRequest","code":400}`)})
		c.Source = token.Static(token.Token{Value: v3Secret})
		_, _, err := c.CreateKubeconfig(t.Context(), V3KubeconfigRequest{})
		checkV3Error(t, err, ErrRequest, 400, "400 Bad Request")
		if want := "POST /ext/apis/ext.cattle.io/v1/kubeconfigs"; server.asked() != want {
			t.Errorf("at most %s: asked: %s", most, server.asked())
		}
	}
	const path = "/ext/apis/ext.cattle.io/v1/kubeconfigs"
	c, server := script(t, map[string]http.HandlerFunc{"POST " + path: says(400, "true",
		`{"kind":"Status","status":"Failure","message":"spec.ttl 60 exceeds max ttl 60","reason":"BadRequest","code":400}`)})
	c.Source = token.Static(token.Token{Value: v3Secret})
	_, _, err := c.CreateKubeconfig(t.Context(), V3KubeconfigRequest{})
	checkV3Error(t, err, ErrRequest, 400, "the lifetime is more than 1m0s")
	if want := "POST " + path + ", POST " + path; server.asked() != want {
		t.Errorf("asked: %s", server.asked())
	}
}

func TestGenerateKubeconfig(t *testing.T) {
	t.Parallel()
	for _, version := range v3Versions {
		t.Run("B.9 "+version, func(t *testing.T) {
			t.Parallel()
			fake, c := newV3(version)
			fake.AddCluster("c-m-x")
			loginV3(t, c)
			config, err := c.GenerateKubeconfig(t.Context(), "c-m-x")
			if err != nil || !strings.HasPrefix(config.Reveal(), "apiVersion: v1\n") || len(fake.Tokens()) != 2 {
				t.Errorf("%v, with %d tokens", err, len(fake.Tokens()))
			}
			_, err = c.GenerateKubeconfig(t.Context(), "c-m-y")
			checkV3Error(t, err, ErrNotFound, 404, "generate a kubeconfig for cluster c-m-y")
		})
	}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   error
		status int
		text   string
	}{
		"no text":        {says(200, "true", `{"type":"generateKubeconfigOutput","config":""}`), ErrNotRancher, 200, "config: missing"},
		"no kubeconfig":  {says(200, "true", `{"type":"cluster"}`), ErrNotRancher, 200, "config: missing"},
		"cut":            {says(200, "true", `{"config":"hunter2`), ErrNotRancher, 200, "an end in the middle"},
		"away":           {says(503, "true", `{"type":"error","code":"ClusterUnavailable","message":"hunter2"}`), ErrUnavailable, 503, "ClusterUnavailable"},
		"no such action": {says(404, "true", `{"type":"error","code":"ActionNotAvailable","message":"hunter2","status":404}`), ErrNotFound, 404, ""},
		"not allowed":    {says(403, "true", `{"type":"error","code":"Forbidden","message":"hunter2"}`), ErrForbidden, 403, "Forbidden"},
		"refused":        {says(401, "false", mustAuthenticate), ErrNotAuthenticated, 401, ""},
	} {
		t.Run("B.9 "+name, func(t *testing.T) {
			t.Parallel()
			c, _ := script(t, map[string]http.HandlerFunc{"POST /v3/clusters/local?action=generateKubeconfig": tt.answer})
			c.Source = token.Static(token.Token{Value: v3Secret})
			config, err := c.GenerateKubeconfig(t.Context(), "local")
			checkV3Error(t, err, tt.want, tt.status, tt.text)
			if !config.IsZero() {
				t.Error("it is returned none the less")
			}
		})
	}
}
