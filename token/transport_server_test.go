package token_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

// Against net/http itself, over loopback.

func TestTransportDefaultBase(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Header.Get("Authorization"))
	}))
	defer server.Close()
	client := &http.Client{Transport: &token.Transport{Source: newDeck("a")}}
	resp, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); string(text) != "Bearer a" || err != nil {
		t.Errorf("the server saw %q, %v", text, err)
	}
}

// A URL's password becomes an Authorization header before Transport sees it.
func TestTransportPasswordInURL(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, pass, ok := r.BasicAuth(); !ok || user != "u" || pass != "p" {
			t.Errorf("the server saw %q", r.Header["Authorization"])
		}
	}))
	defer server.Close()
	client := &http.Client{Transport: &token.Transport{Source: newDeck("a")}}
	resp, err := client.Get(strings.Replace(server.URL, "http://", "http://u:p@", 1))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// revoker is a server whose one good token changes, and a Source of it.
type revoker struct {
	good atomic.Int64
	sent atomic.Int64 // requests
}

func (s *revoker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.sent.Add(1)
	text, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var n int64
	fmt.Sscanf(r.Header.Get("Authorization"), "Bearer t%d", &n)
	if n != s.good.Load() {
		http.Error(w, "refused", http.StatusUnauthorized)
		return
	}
	w.Write(text)
}

type current struct {
	server *revoker
	mu     sync.Mutex
	held   int64
}

func (c *current) Token(context.Context) (token.Token, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bearer(fmt.Sprintf("t%d", c.held)), nil
}

func (c *current) Invalidate(t token.Token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.Value.Reveal() == fmt.Sprintf("t%d", c.held) {
		c.held = c.server.good.Load()
	}
}

func TestTransportConcurrently(t *testing.T) {
	t.Parallel()
	api := &revoker{}
	for _, start := range []func(http.Handler) *httptest.Server{httptest.NewServer, http2Server} {
		server := start(api)
		src := &current{server: api}
		client := &http.Client{Transport: &token.Transport{Source: src, Base: server.Client().Transport}}
		api.good.Store(0)
		for round := range 5 {
			api.good.Store(int64(round)) // all that is held is revoked, between requests
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					text := strings.Repeat(fmt.Sprint(i), 10_000)
					resp, err := client.Post(server.URL, "text/plain", strings.NewReader(text))
					if err != nil {
						t.Error(err)
						return
					}
					defer resp.Body.Close()
					got, err := io.ReadAll(resp.Body)
					if resp.StatusCode != 200 || string(got) != text || err != nil {
						t.Errorf("%s: %d bytes, %v", resp.Status, len(got), err)
					}
				})
			}
			wg.Wait()
		}
		server.Close()
	}
}

func http2Server(h http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			http.Error(w, "this is not HTTP/2", http.StatusHTTPVersionNotSupported)
			return
		}
		h.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	return server
}

// Trailers get their values while the body is read, in the caller's map.
func TestTransportTrailers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		io.WriteString(w, r.Trailer.Get("X-Sum"))
	}))
	defer server.Close()
	r := get(t, server.URL)
	r.Method = "POST"
	r.Trailer = http.Header{"X-Sum": nil}
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("text"), readerFunc(func([]byte) (int, error) {
		r.Trailer.Set("X-Sum", "42")
		return 0, io.EOF
	})))
	resp, err := (&http.Client{Transport: &token.Transport{Source: newDeck("a")}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); string(text) != "42" || err != nil {
		t.Errorf("the trailer came as %q, %v", text, err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// gateway is a ReverseProxy in front of api, as Transport's doc asks for it.
func gateway(t *testing.T, api *httptest.Server, src token.Source, rewrite func(*httputil.ProxyRequest)) *httptest.Server {
	t.Helper()
	target, err := url.Parse(api.URL)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			rewrite(r)
		},
		Transport: &token.Transport{Source: src, Base: api.Client().Transport, Origin: api.URL},
		ErrorLog:  log.New(io.Discard, "", 0),
	})
	t.Cleanup(server.Close)
	return server
}

func deleteAuthorization(r *httputil.ProxyRequest) { r.Out.Header.Del("Authorization") }

func TestTransportReverseProxy(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var saw []string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		saw = append(saw, r.Header.Get("Authorization"))
		mu.Unlock()
		if r.Header.Get("Authorization") != "Bearer b" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		io.Copy(w, r.Body)
	}))
	defer api.Close()
	tests := []struct {
		name    string
		rewrite func(*httputil.ProxyRequest)
		text    string
		status  int
		saw     []string
	}{
		{"deleted", deleteAuthorization, "", 200, []string{"Bearer a", "Bearer b"}},
		{"kept", func(*httputil.ProxyRequest) {}, "", 401, []string{"Bearer theirs"}},
		{"a body comes only once", deleteAuthorization, "text", 401, []string{"Bearer a"}},
	}
	for _, test := range tests {
		saw = nil
		server := gateway(t, api, newDeck("a", "b"), test.rewrite)
		r := get(t, server.URL)
		if test.text != "" {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(test.text)), int64(len(test.text))
		}
		r.Header.Set("Authorization", "Bearer theirs")
		resp, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		mu.Lock()
		if diff := cmp.Diff(test.saw, saw); diff != "" || resp.StatusCode != test.status {
			t.Errorf("%s: %s, want %d; sent (-want +got):\n%s", test.name, resp.Status, test.status, diff)
		}
		mu.Unlock()
	}
}

// What a gateway's client writes on its request line cannot take the token to
// another host, or to another name of the same server.
func TestTransportReverseProxyRequestLine(t *testing.T) {
	t.Parallel()
	var stray atomic.Pointer[string]
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if auth := r.Header.Get("Authorization"); auth != "" && !strings.HasPrefix(r.Host, "127.0.0.1:") {
			got := r.Host + " " + r.RequestURI
			stray.Store(&got)
		}
	}))
	defer api.Close()
	server := gateway(t, api, newDeck("a"), deleteAuthorization)
	for _, line := range []string{
		"GET http://evil.example/x",
		"GET a:http://evil.example/x",
		"GET //evil.example/x",
		"GET http:evil.example",
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", line)
		io.Copy(io.Discard, conn)
		conn.Close()
		if got := stray.Swap(nil); got != nil {
			t.Errorf("%q took the token to %s", line, *got)
		}
	}
}

// 101 Switching Protocols hands over a connection as the response's body.
func TestTransportUpgrade(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer b" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		line, _ := buf.ReadString('\n')
		io.WriteString(conn, line)
	}))
	defer api.Close()
	for _, at := range []string{api.URL, gateway(t, api, newDeck("b"), deleteAuthorization).URL} {
		r := get(t, at)
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "echo")
		resp, err := (&http.Client{Transport: &token.Transport{Source: newDeck("a", "b")}}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		conn, ok := resp.Body.(io.ReadWriteCloser)
		if !ok || resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%s with a %T", resp.Status, resp.Body)
		}
		io.WriteString(conn, "hello\n")
		if line, err := bufio.NewReader(conn).ReadString('\n'); line != "hello\n" {
			t.Errorf("echo = %q, %v", line, err)
		}
		conn.Close()
	}
}

// A body is handed on as it comes: each part arrives before the next is made.
func TestTransportStreams(t *testing.T) {
	t.Parallel()
	api := http2Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		part := make([]byte, 1<<16)
		for {
			if _, err := io.ReadFull(r.Body, part); err != nil {
				return
			}
			w.Write(part)
			http.NewResponseController(w).Flush()
		}
	}))
	defer api.Close()
	read, write := io.Pipe()
	r := get(t, api.URL)
	r.Method, r.Body = "POST", read
	resp, err := (&http.Client{Transport: &token.Transport{Source: newDeck("a"), Base: api.Client().Transport}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	sent, got := bytes.Repeat([]byte("x"), 1<<16), make([]byte, 1<<16)
	for range 20 {
		if _, err := write.Write(sent); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, got); err != nil || !bytes.Equal(sent, got) {
			t.Fatalf("what came back differs, %v", err)
		}
	}
	write.Close()
}
