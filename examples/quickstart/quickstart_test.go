package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

// output is what the demo writes. A refresh that is under way when the demo ends has
// something to tell still.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	last string // what ends the demo when it is written, if anything
	end  func()
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.last != "" && bytes.Contains(p, []byte(o.last)) {
		o.end()
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// TestNobodyNotices plays the demo, shortened, with all its faults. On a busy machine a
// token of 5 seconds may be over before there is another, which is not what it is about.
func TestNobodyNotices(t *testing.T) {
	t.Parallel()
	d := quickstart
	d.callers, d.life, d.length = 20, time.Minute, time.Minute
	for try := 1; ; try++ {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		out := &output{last: "source  gives up token ", end: cancel}
		s, err := d.play(ctx, out)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s%s", out.String(), s)
		if s.noticed() {
			t.Errorf("%d requests ended in 401, %d in other errors, the first of them %v; want none", s.unauthorized, s.failed, s.firstError)
		}
		if strings.Contains(out.String(), "\x1b") {
			t.Errorf("there are escape sequences in output that does not go to a terminal: %q", out.String())
		}
		missing := missing(out.String(), s)
		if len(missing) == 0 || t.Failed() {
			return
		}
		// The last fault comes by the clock. On a busy machine it may be before what the
		// others lead to.
		if try == 3 {
			t.Fatal(strings.Join(missing, "\n"))
		}
	}
}

// missing returns what the demo was to tell, and did not.
func missing(out string, s summary) (missing []string) {
	if s.refused == 0 || s.refreshes == 0 || s.first.callers == 0 || len(s.faults) != 3 {
		missing = append(missing, fmt.Sprintf("401s of the API: %d, early refreshes: %d, callers that waited at the start: %d, faults: %q; want some of each and 3 faults",
			s.refused, s.refreshes, s.first.callers, s.faults))
	}
	for _, want := range []string{
		"issuer  issues token 1 for 1m0s",
		"source  has token 1: ",
		"clock   the issuer's is 1m",
		"issuer  fails: its answer no. 2 is a 500",
		"source  backs off ",
		"issuer  fails: its answer no. 3 is a 500",
		"source  refreshed ",
		"api     revokes the token in use",
		"source  gives up token ",
	} {
		if !strings.Contains(out, want) {
			missing = append(missing, fmt.Sprintf("the output has no line with %q", want))
		}
	}
	return missing
}

// TestNoticed has the issuer fail for longer than a token lives, so that the
// callers must notice: the demo would show it.
func TestNoticed(t *testing.T) {
	t.Parallel()
	d := quickstart
	d.callers, d.life, d.broken, d.length = 2, time.Second, nil, 5*time.Second
	for n := range 50 {
		d.broken = append(d.broken, n+2)
	}
	var stdout *output
	for try := 1; ; try++ {
		stdout = new(output)
		var stderr bytes.Buffer
		status := d.run(t.Context(), nil, stdout, &stderr)
		if status == 1 && strings.Contains(stdout.String(), "issuer: answered 500") {
			break
		}
		// A machine that is busy for all of it leaves no time to notice anything, or an
		// API that is late refuses a token first.
		if try == 3 {
			t.Errorf("exit status %d although there was no token to be had, want 1", status)
			break
		}
	}
	for _, want := range []string{"which must not be", "The first error was: ", "issuer: answered 500"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the summary does not say %q:\n%s", want, stdout.String())
		}
	}
}

// TestIssuer holds the issuer to what the demo claims of it.
func TestIssuer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		story := &story{screen: newScreen(io.Discard)}
		iss := &issuer{demo: quickstart, story: story}
		issue := func() token.Secret {
			answer, ok := iss.issue()
			if !ok {
				return token.Secret{}
			}
			return token.NewSecret(answer["access_token"].(string))
		}
		check := func(presented token.Secret, want error) {
			t.Helper()
			if _, err := iss.Verify(t.Context(), presented); !errors.Is(err, want) {
				t.Errorf("Verify: %v, want %v", err, want)
			}
		}
		first, second, third, fourth := issue(), issue(), issue(), issue()
		if first.IsZero() || !second.IsZero() || !third.IsZero() || fourth.IsZero() {
			t.Error("want the 2nd and 3rd answers to fail, and no other")
		}
		if off := time.Until(iss.now()); off != 90*time.Second {
			t.Errorf("the issuer's clock is %v ahead, want 90s", off)
		}
		check(first, nil)
		check(token.NewSecret("made up"), token.ErrRevoked)
		iss.revoke(fourth)
		check(fourth, token.ErrRevoked)
		time.Sleep(5*time.Second - time.Nanosecond)
		check(first, nil)
		time.Sleep(time.Nanosecond)
		check(first, token.ErrExpired)
	})
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		args           []string
		status         int
		stdout, stderr string // the beginning
	}{
		{"help", []string{"-h"}, 0, "Quickstart shows ", ""},
		{"a short run", []string{"-for", "300ms"}, 0, "  ", ""},
		{"unknown flag", []string{"-x"}, 2, "", "quickstart: flag provided but not defined: -x"},
		{"not a duration", []string{"-for", "ever"}, 2, "", `quickstart: invalid value "ever" for flag -for`},
		{"no time", []string{"-for", "-1s"}, 2, "", "quickstart: -for -1s is no time at all"},
		{"argument", []string{"15s"}, 2, "", `quickstart: unexpected argument "15s"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stdout := new(output)
			var stderr bytes.Buffer
			status := quickstart.run(t.Context(), tt.args, stdout, &stderr)
			for try := 1; status == 1 && try < 3; try++ { // callers do notice if a machine is too busy for 5 seconds
				stdout = new(output)
				stderr.Reset()
				status = quickstart.run(t.Context(), tt.args, stdout, &stderr)
			}
			if status != tt.status {
				t.Errorf("run(%q) = %d, want %d", tt.args, status, tt.status)
			}
			for _, got := range []struct{ name, text, want string }{
				{"stdout", stdout.String(), tt.stdout},
				{"stderr", stderr.String(), tt.stderr},
			} {
				if !strings.HasPrefix(got.text, got.want) || got.want == "" && got.text != "" {
					t.Errorf("run(%q) wrote to %s: %q, want %q...", tt.args, got.name, got.text, got.want)
				}
			}
			if lines := strings.Count(stderr.String(), "\n"); tt.status == 2 && lines != 1 {
				t.Errorf("run(%q) wrote %d lines to stderr, want 1", tt.args, lines)
			}
		})
	}
}

// TestScreen looks at what a terminal is sent.
func TestScreen(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &screen{out: &out, live: true}
	s.show("token 1 " + s.bar(4, 1))
	s.print("something happened")
	s.show("token 1 " + s.bar(4, 0.4))
	s.show("")
	want := "\r\x1b[K\x1b[?7ltoken 1 [####]\x1b[?7h\r" +
		"\r\x1b[Ksomething happened\n\x1b[?7ltoken 1 [##..]\x1b[?7h\r" +
		"\r\x1b[K"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("a terminal is sent (-want +got):\n%s", diff)
	}
}

// TestClientCredentials has the Source of source.go read all sorts of answers.
func TestClientCredentials(t *testing.T) {
	t.Parallel()
	const secret = "a+secret/with%signs"
	for _, tt := range []struct {
		name   string
		status int
		header http.Header
		body   string
		want   token.Token // none if there is an error
		err    string      // the whole of it
		later  time.Duration
		dead   bool // the error matches token.ErrRefused
	}{
		{
			name: "a token", status: 200, body: `{"access_token":"t0ken","token_type":"bearer","expires_in":5,"refresh_in":1}`,
			want: token.Token{Value: token.NewSecret("t0ken"), Type: "bearer", ExpiresIn: 5 * time.Second, RefreshIn: time.Second},
		},
		{
			name: "a token that lives for ever", status: 200, body: `{"access_token":"t0ken","expires_in":9223372036854775807}`,
			want: token.Token{Value: token.NewSecret("t0ken"), ExpiresIn: 100 * 365 * 24 * time.Hour},
		},
		{
			name: "in trouble", status: 500, body: "t0ken",
			err: "issuer: answered 500",
		},
		{
			name: "later, in seconds", status: 503, header: http.Header{"Retry-After": {"7"}},
			err: "issuer: answered 503", later: 7 * time.Second,
		},
		{
			name: "later, by its own clock", status: 429, err: "issuer: answered 429", later: time.Minute,
			header: http.Header{"Date": {"Mon, 02 Jan 2006 15:04:05 GMT"}, "Retry-After": {"Mon, 02 Jan 2006 15:05:05 GMT"}},
		},
		{
			name: "nonsense about later", status: 503, header: http.Header{"Retry-After": {"soon"}},
			err: "issuer: answered 503",
		},
		{
			name: "our secret is wrong", status: 401, body: `{"error":"invalid_client"}`,
			err: "issuer: answered 401: are the client's ID and Secret right?", dead: true,
		},
		{name: "not JSON", status: 200, body: `t0ken`, err: notAnAnswer},
		{name: "cut off", status: 200, body: `{"access_token":"t0ken"`, err: notAnAnswer},
		{name: "no token", status: 200, body: `{"expires_in":5}`, err: notAnAnswer},
		{name: "too long", status: 200, body: `{"access_token":"t0ken","x":"` + strings.Repeat("x", maxAnswer) + `"}`, err: notAnAnswer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if id, password, _ := r.BasicAuth(); id != "a%3Aclient" || password != "a%2Bsecret%2Fwith%25signs" {
					t.Errorf("the issuer was given the id %q and the secret %q", id, password)
				}
				if grant := r.PostFormValue("grant_type"); grant != "client_credentials" {
					t.Errorf("the issuer was asked for the grant %q", grant)
				}
				for name, values := range tt.header {
					w.Header()[name] = values
				}
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			defer server.Close()
			s := &clientCredentials{URL: server.URL, ID: "a:client", Secret: token.NewSecret(secret), Client: server.Client()}
			got, err := s.Token(t.Context())
			if tt.err == "" {
				if err != nil {
					t.Fatal(err)
				}
				if !got.Equal(tt.want) || got.Type != tt.want.Type || got.ExpiresIn != tt.want.ExpiresIn || got.RefreshIn != tt.want.RefreshIn {
					t.Errorf("Token = %+v, want %+v", got, tt.want)
				}
				return
			}
			if err == nil || err.Error() != tt.err {
				t.Fatalf("Token: error %v, want %s", err, tt.err)
			}
			var later interface{ RetryAfter() time.Duration }
			if errors.As(err, &later) && later.RetryAfter() != tt.later {
				t.Errorf("RetryAfter = %v, want %v", later.RetryAfter(), tt.later)
			}
			if dead := errors.Is(err, token.ErrRefused); dead != tt.dead {
				t.Errorf("the error matches token.ErrRefused: %v, want %v", dead, tt.dead)
			}
		})
	}
}

const notAnAnswer = "issuer: its answer is not one of RFC 6749 section 5.1 with an access_token: is this its token endpoint?"
