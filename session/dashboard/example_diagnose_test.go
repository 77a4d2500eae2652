package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/tokenlife/tokenlife/session/dashboard"
	"github.com/tokenlife/tokenlife/token"
)

func ExampleSource_Diagnose() {
	// A Dashboard 2.x after its key was replaced.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "square/go-jose: error in cryptographic primitive", http.StatusInternalServerError)
	}))
	defer server.Close()

	session := token.NewSecret(`{"protected":"eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0",` +
		`"aad":"eyJleHAiOiIyMDI2LTExLTIyVDEyOjE0OjUwWiIsImlhdCI6IjIwMjYtMTEtMjJUMTE6NTk6NTBaIn0",` +
		`"encrypted_key":"AAAA","iv":"AAAAAAAAAAAAAAAA","ciphertext":"AAAA","tag":"AAAAAAAAAAAAAAAAAAAAAA"}`)
	src := &dashboard.Source{URL: server.URL}
	for _, f := range src.Diagnose(context.Background(), session).Findings {
		fmt.Println(f.Cause)
		for _, e := range f.Evidence {
			fmt.Printf("  %s: %s\n", e.What, e.Value)
		}
	}
	// Output:
	// no key of the Dashboard opens the session: its key was replaced since, or the session is another Dashboard's, or it was changed on the way
	//   GET /api/v1/namespace with the session: 500 Internal Server Error, square/go-jose: error in cryptographic primitive
}
