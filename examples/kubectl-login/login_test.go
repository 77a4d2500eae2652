package main

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// TestReadCA has a file that is longer than any of certificates read no further.
func TestReadCA(t *testing.T) {
	t.Parallel()
	path := newIssuer(t).ca
	good, err := readCA(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(good, make([]byte, 1<<20)...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readCA(path); err == nil || !strings.Contains(err.Error(), "longer than a megabyte") {
		t.Errorf("got %v, want an error that says that the file is too long", err)
	}
}

// TestClient has a client for an issuer use each connection once, and read no endless
// head of an answer.
func TestClient(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			w.Header().Set("Long", strings.Repeat("x", 100<<10))
		}
	}))
	var connections atomic.Int32
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	client := newClient(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for range 3 {
		resp, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections for 3 requests", n)
	}
	if resp, err := client.Get(server.URL + "/long"); err == nil {
		resp.Body.Close()
		t.Error("a head of 100 kB was read")
	}
}
