package dashboard

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A connection that breaks in the middle says nothing that could be the server's.
func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\ns3cret\r\n\r\n", "s3cret s3cret\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ns3cret", "HTTP/1.1 s3cret\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: s3cret\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ns3cret", "",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			io.WriteString(conn, answer)
			conn.Close()
		}))
		_, err := (&Source{URL: server.URL, Login: bearerSource("bearer-1")}).Token(t.Context())
		if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "cannot answer now") {
			t.Errorf("%q: %v", answer, err)
		}
		server.Close()
	}
}

// Nobody there: the error says where.
func TestUnreached(t *testing.T) {
	t.Parallel()
	const url = "http://127.0.0.1:1" // a port that no server is given by chance
	_, err := (&Source{URL: url, Login: bearerSource("bearer-1")}).Token(t.Context())
	if err == nil || strings.Count(err.Error(), url+"/api/v1/csrftoken/login") != 1 || !strings.Contains(err.Error(), "can it be reached from here?") {
		t.Error(err)
	}
}

// The Timeout of the caller's client counts for one request, and may be shorter.
func TestClientTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDouble()
		s := d.source(bearerSource("bearer-1"))
		s.Client.Timeout = time.Second
		d.instead = answers(loginRequest, 1, func(http.ResponseWriter) { time.Sleep(5 * time.Second) })
		start := time.Now()
		if _, err := s.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "it took too long") || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		time.Sleep(5 * time.Second)
	})
}

// A certificate of a CA that nobody knows, or for another name, is called that, and
// nothing is sent.
func TestCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of the handshakes that fail
	server.StartTLS()
	defer server.Close()
	otherName := server.Client()
	otherName.Transport.(*http.Transport).TLSClientConfig.ServerName = "dashboard.other"
	for want, client := range map[string]*http.Client{"unknown authority": nil, "dashboard.other": otherName} {
		_, err := (&Source{URL: server.URL, Login: bearerSource("bearer-1"), Client: client}).Token(t.Context())
		if err == nil {
			t.Fatalf("%s: no error", want)
		}
		for _, want := range []string{want, server.URL, "the certificate of the Dashboard was not accepted", "set Source.Client to one that knows the CA"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %v", want, err)
			}
		}
		if strings.Contains(err.Error(), "is it running") || errors.Is(err, token.ErrRefused) {
			t.Errorf("%v", err)
		}
	}
}
