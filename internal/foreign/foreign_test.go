package foreign_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"testing"
	"unicode/utf8"

	"github.com/tokenlife/tokenlife/internal/foreign"
)

func TestBrief(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain": "plain", "two\nl\r\tz": "two l  z", "\x1b[31mred": " [31mred", "a\u202eb\u2066c\u200bd\u2028e": "a b c d e",
		"\xff\xfe": " ", "\u0085\ufffd": "  ", "0123456789x": "0123456789…", "ééééé": "ééééé", "aééééé": "aéééé…",
	} {
		got := foreign.Brief(in, 10)
		if got != want || !utf8.ValidString(got) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestUntrusted(t *testing.T) {
	t.Parallel()
	certificate := &tls.CertificateVerificationError{Err: errors.New("x509: by nobody known")}
	for _, test := range []struct {
		err  error
		want bool
	}{
		{&url.Error{Op: "Get", Err: certificate}, true},
		{&url.Error{Op: "Get", Err: &net.OpError{Op: "remote error", Err: certificate}}, true},
		{&url.Error{Op: "Get", Err: &net.OpError{Op: "proxyconnect", Err: certificate}}, false},
		{&net.OpError{Op: "dial", Err: errors.New("lookup mytls: no such host")}, false},
		{errors.New("tls: handshake failure"), false},
	} {
		if got := foreign.Untrusted(test.err); (got != nil) != test.want {
			t.Errorf("%v: %v", test.err, got)
		}
	}
}

func TestBroken(t *testing.T) {
	t.Parallel()
	said := errors.New(`malformed MIME header line: "hush"`)
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}
	for _, test := range []struct {
		err       error
		connected bool
		want      string
	}{
		{said, true, "what came cannot be read as HTTP"},
		{said, false, said.Error()},
		{refused, true, "dial tcp: refused"},
		{refused, false, "dial tcp: refused"},
		{io.ErrUnexpectedEOF, true, "the connection ended before the answer did"},
		{fmt.Errorf("hush: %w", io.EOF), true, "the connection ended before the answer did"},
		{io.ErrClosedPipe, true, "the connection ended before the answer did"},
		{context.DeadlineExceeded, true, "it took too long"},
		{errors.New("x509: two\nlines"), false, "x509: two lines"},
		{&url.Error{Op: "parse", URL: "http://me:hush@proxy.example", Err: errors.New("no port")}, false, "no port"},
	} {
		for _, err := range []error{test.err, &url.Error{Op: "Get", URL: "https://host.example/?key=hush", Err: test.err}} {
			if got := foreign.Broken(err, test.connected); got != test.want {
				t.Errorf("%v: %q, want %q", err, got, test.want)
			}
		}
	}
}
