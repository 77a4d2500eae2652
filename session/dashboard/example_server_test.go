package dashboard_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/session/dashboard"
	"github.com/tokenlife/tokenlife/token"
)

// A Server in front of an API server: people, or a [dashboard.Source], log in at
// the one, and what they ask is passed on to the other with the credential that
// they logged in with, and no other rights.
func ExampleServer() {
	apiServer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, r.URL.Path, "for", r.Header["Authorization"], r.Header["Impersonate-User"])
	}))
	defer apiServer.Close()
	target, err := url.Parse(apiServer.URL)
	if err != nil {
		fmt.Println(err)
		return
	}

	server := &dashboard.Server{
		Keys:    keyA(), // in earnest a KeyHolder
		CSRFKey: token.NewSecret(strings.Repeat("random", 8)),
		Authenticate: func(ctx context.Context, c dashboard.Credential) (name string, err error) {
			// In earnest a TokenReview says who it is.
			if !c.Token.Equal(token.NewSecret("token-of-viewer")) {
				return "", fmt.Errorf("%w: not in the list", token.ErrRevoked)
			}
			return "system:serviceaccount:ci:viewer", nil
		},
	}
	mux := http.NewServeMux()
	server.Register(mux)
	mux.Handle("/api/v1/", server.Require(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			c, _ := dashboard.CredentialFrom(r.In.Context())
			r.SetURL(target)
			c.SetHeader(r.Out) // in place of whatever the client wrote
		},
	}))
	site := httptest.NewTLSServer(mux)
	defer site.Close()

	client := &http.Client{Transport: &token.Transport{
		Source: refresh.New(&dashboard.Source{
			URL:    site.URL,
			Login:  token.Static(token.New(token.NewSecret("token-of-viewer"))),
			Client: site.Client(),
		}),
		Base:    site.Client().Transport,
		Origin:  site.URL,
		Set:     dashboard.Set,
		Refused: dashboard.Refused,
	}}
	r, err := http.NewRequest("GET", site.URL+"/api/v1/pod", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Header.Set("Impersonate-User", "admin") // which a session does not allow
	resp, err := client.Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	fmt.Printf("%s: %s", resp.Status, text)
	// Output:
	// 200 OK: /api/v1/pod for [Bearer token-of-viewer] []
}

// The keys of a Dashboard, from its Secret, which is mounted.
func ExampleKeyHolder() {
	server := &dashboard.Server{
		Keys: &dashboard.KeyHolder{
			Load: func(context.Context) ([]byte, error) { return os.ReadFile("/etc/kubernetes-dashboard-key-holder/priv") },
			OnLoad: func(err error) {
				if err != nil {
					log.Print(err)
				}
			},
		},
		CSRFKey:      token.NewSecret(strings.Repeat("random", 8)),
		Authenticate: func(context.Context, dashboard.Credential) (string, error) { return "mira", nil },
	}
	mux := http.NewServeMux()
	server.Register(mux)

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "https://dashboard.example/api/v1/login/modes", nil))
	fmt.Println(w.Code, strings.Join(strings.Fields(w.Body.String()), " "))
	// Output:
	// 200 { "modes": [ "token" ] }
}
