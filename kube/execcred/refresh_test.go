package execcred_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/kube/execcred"
	"github.com/tokenlife/tokenlife/refresh"
)

// A stock is what a plugin prints next, and how often it was run. Within a bubble no
// time passes while a plugin runs, since the bubble waits for it.
type stock struct {
	t    *testing.T
	file string
}

func newStock(t *testing.T) (stock, *execcred.Plugin) {
	file := filepath.Join(t.TempDir(), "answer")
	return stock{t, file}, plugin("reads", "FILE="+file)
}

func (s stock) put(value string, left time.Duration) {
	s.t.Helper()
	text := credential(execcred.V1, value, time.Now().Add(left).UTC().Format(time.RFC3339))
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s stock) runs() int {
	s.t.Helper()
	lines, err := os.ReadFile(s.file + ".runs")
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return strings.Count(string(lines), "\n")
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, p := newStock(t)
		src := refresh.New(p)
		get := func() string {
			t.Helper()
			tok, err := src.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return tok.Value.Reveal()
		}

		s.put("first", 10*time.Minute)
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() {
				if got := get(); got != "first" {
					t.Error(got)
				}
			})
		}
		callers.Wait()
		if s.runs() != 1 {
			t.Errorf("%d runs for 100 callers", s.runs())
		}

		s.put("second", 20*time.Minute)
		time.Sleep(4 * time.Minute)
		if got := get(); got != "first" || s.runs() != 1 {
			t.Errorf("%s after %d runs, in the first half of its life", got, s.runs())
		}
		time.Sleep(5*time.Minute + 30*time.Second) // half a minute before its end
		if got := get(); got != "first" {
			t.Errorf("whoever asked early waited, for %s", got)
		}
		synctest.Wait() // for the plugin, too
		if got := get(); got != "second" || s.runs() != 2 {
			t.Errorf("%s after %d runs", got, s.runs())
		}

		// One that fails later leaves what there is in use, and then says why.
		if err := os.WriteFile(s.file, []byte("canary"), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(9 * time.Minute)
		if got := get(); got != "second" {
			t.Error(got)
		}
		time.Sleep(time.Hour)
		tok, err := src.Token(t.Context())
		failure(t, tok, err)
		says(t, err, "standard output: no JSON object")
	})
}

// A request that is refused is sent again with the token of the next run.
func TestRefused(t *testing.T) {
	t.Parallel()
	s, p := newStock(t)
	s.put("revoked", time.Hour)
	var sent []string // by one request after the other
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Header.Get("Authorization"))
		if r.Header.Get("Authorization") == "Bearer revoked" {
			s.put("next", time.Hour)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	client, err := rest.HTTPClientFor(kube.Config(configOf(server), refresh.New(p)))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		resp, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Error(resp.Status)
		}
	}
	if diff := cmp.Diff([]string{"Bearer revoked", "Bearer next", "Bearer next"}, sent); diff != "" || s.runs() != 2 {
		t.Errorf("%d runs; sent (-want +got):\n%s", s.runs(), diff)
	}
}

// configOf is how server is reached and trusted.
func configOf(server *httptest.Server) *rest.Config {
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: ca}}
}
