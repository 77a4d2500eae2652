package oauth2adapt_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tokenlife/tokenlife/refresh"
)

// Over HTTP/2 a server may refuse a request, or go away before it, and net/http
// then sends it again if it can (RFC 9113, section 8.7). This one it cannot.
func TestHTTP2IsNotRetried(t *testing.T) {
	t.Parallel()
	const (
		rstStream, goAway = 3, 7
		refusedStream     = 7
	)
	for name, answer := range map[string]func(stream uint32) []byte{
		"refused": func(stream uint32) []byte { return frame(rstStream, stream, 0, 0, 0, refusedStream) },
		"going":   func(uint32) []byte { return frame(goAway, 0, 0, 0, 0, 0, 0, 0, 0, 0) },
	} {
		var bodies atomic.Int64
		url := serveHTTP2(t, func(c io.Writer, stream uint32, body []byte) {
			if bytes.Contains(body, []byte(presented)) {
				bodies.Add(1)
			}
			c.Write(answer(stream))
		})
		trusted := httptest.NewTLSServer(nil)
		defer trusted.Close()
		transport := trusted.Client().Transport.(*http.Transport).Clone()
		transport.ForceAttemptHTTP2 = true
		defer transport.CloseIdleConnections()
		x := newIssuer(t, nil).exchanger()
		x.Config.Endpoint.TokenURL = url
		x.Client = &http.Client{Transport: transport}
		p, err := x.Exchange(t.Context(), old)
		if e := exchanged(t, p, err); e.Outcome != refresh.Unknown || strings.Contains(err.Error(), "GetBody") {
			t.Errorf("%s: %v: %v", name, e.Outcome, err)
		}
		if n := bodies.Load(); n != 1 {
			t.Errorf("%s: the token was sent %d times", name, n)
		}
	}
}

// frame returns a frame of HTTP/2 without flags (RFC 9113, section 4.1).
func frame(kind byte, stream uint32, payload ...byte) []byte {
	f := []byte{0, 0, byte(len(payload)), kind, 0}
	return append(binary.BigEndian.AppendUint32(f, stream), payload...)
}

// serveHTTP2 is a server that answers each request, once it is whole, as said.
func serveHTTP2(t *testing.T, answer func(c io.Writer, stream uint32, body []byte)) (url string) {
	cert := httptest.NewTLSServer(nil)
	defer cert.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: cert.TLS.Certificates, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	serve := func(c io.ReadWriteCloser) {
		defer c.Close()
		const data, headers, settings = 0, 1, 4
		io.ReadFull(c, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
		c.Write(frame(settings, 0))
		for head := make([]byte, 9); ; {
			if _, err := io.ReadFull(c, head); err != nil {
				return
			}
			payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
			if _, err := io.ReadFull(c, payload); err != nil {
				return
			}
			const ends = 1
			switch kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:]); {
			case kind == settings && flags == 0:
				ack := frame(settings, 0)
				ack[4] = 1
				c.Write(ack)
			case (kind == data || kind == headers) && flags&ends != 0:
				answer(c, stream, payload)
			}
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return "https://" + l.Addr().String() + "/token"
}
