package dashboard_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/session/dashboard"
	"github.com/tokenlife/tokenlife/token"
)

// A Dashboard 2.x, in so far as the example needs it.
func newDashboard() *httptest.Server {
	const session = `{"protected":"eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0",` +
		`"aad":"eyJleHAiOiIyMDI2LTExLTIyVDEyOjE0OjUwWiIsImlhdCI6IjIwMjYtMTEtMjJUMTE6NTk6NTBaIn0",` +
		`"encrypted_key":"AAAA","iv":"AAAAAAAAAAAAAAAA","ciphertext":"AAAA","tag":"AAAAAAAAAAAAAAAAAAAAAA"}`
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/csrftoken/{action}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"token":%q}`, "csrf-"+r.PathValue("action"))
	})
	mux.HandleFunc("POST /api/v1/login", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"jweToken":%q,"errors":[]}`, session)
	})
	mux.HandleFunc("GET /api/v1/namespace", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("jweToken") != session {
			http.Error(w, "MSG_LOGIN_UNAUTHORIZED_ERROR", http.StatusUnauthorized)
			return
		}
		io.WriteString(w, "default, kube-system")
	})
	return httptest.NewServer(mux)
}

func ExampleSource() {
	server := newDashboard()
	defer server.Close()

	src := &dashboard.Source{
		URL: server.URL,
		// In a cluster: kube.NewSource(...), which gets a new one in time.
		Login: token.Static(token.New(token.NewSecret("a-service-account-token"))),
		OnEvent: func(e dashboard.Event) {
			fmt.Println(e.Kind, e.Version)
		},
	}
	client := &http.Client{Transport: &token.Transport{
		Source: refresh.New(src), Origin: server.URL,
		Set: dashboard.Set, Refused: dashboard.Refused,
	}}
	resp, err := client.Get(server.URL + "/api/v1/namespace")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
	// Output:
	// logged in 2.x
	// default, kube-system
}
