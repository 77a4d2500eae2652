package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/examples/internal/story"
	"github.com/tokenlife/tokenlife/token"
)

// TestDemonstration plays the demonstration: it is the test of each answer.
func TestDemonstration(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), nil, &stdout, &stderr); status != 0 {
		t.Errorf("exit status %d, want 0; stderr: %s", status, stderr.String())
	}
	t.Log(stdout.String())
	var got []string
	for _, line := range strings.Split(stdout.String(), "\n") {
		if m := regexp.MustCompile(`^  (\d{3})  (.{0,40})`).FindStringSubmatch(line); m != nil {
			got = append(got, m[1]+" "+strings.TrimSpace(m[2]))
		}
	}
	want := []string{
		"200 GET /hello",
		"201 POST /notes, which needs notes:write",
		"403 POST /notes without that scope",
		"401 no token",
		"401 expired three hours ago",
		"401 good in three hours",
		"401 for another API",
		"401 of another issuer",
		"401 changed: says bob",
		"401 signed by a stranger",
		"401 not signed: alg none",
		"401 HS256 with the public key as its secret",
		"200 signed with the new key",
		"401 signed with the old one",
		"200 signed with a key the API has",
		"503 signed with a key it has not seen",
		"503 at an API that starts only now",
		"200 the same, a moment later",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	refused := regexp.MustCompile(`(?m)^  [45]\d\d  .*\n         log: (GET /hello|POST /notes)(: token: none presented$|, token [0-9a-f]{12}: )`).FindAllString(stdout.String(), -1)
	if lines := strings.Count(stdout.String(), "log: "); len(refused) != 13 || lines != 13 {
		t.Errorf("%d answers of 13 have their line in the log, and there are %d lines", len(refused), lines)
	}
	for _, reason := range []string{
		"token: invalid: expired: exp", "not yet valid: nbf", "wrong audience: ", "wrong issuer: ", "alg: none",
		"must not be used for HS256", ": none of the keys has it", "fetching keys: ",
	} {
		if !strings.Contains(stdout.String(), reason) {
			t.Errorf("no line of the log has %q", reason)
		}
	}
	for _, never := range []string{"\x1b", "\r", "eyJ"} { // what a JWT begins with
		if strings.Contains(stdout.String(), never) {
			t.Errorf("%q is in the output, which is no terminal", never)
		}
	}
}

// TestWrong has the API of a demonstration answer as it must not.
func TestWrong(t *testing.T) {
	t.Parallel()
	url, stop, err := story.Serve(http.HandlerFunc(hello)) // who needs a token?
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	var out bytes.Buffer
	s := story.New(t.Context(), &out)
	s.API = url
	s.Get(200, "a token", token.NewSecret("x"))
	s.Get(401, "no token", none)
	if err := s.End(); err == nil || err.Error() != "1 of 2 answers were not as they must be" {
		t.Errorf("the story ended with %v", err)
	}
	if !strings.Contains(out.String(), "WRONG: must be 401") {
		t.Errorf("the wrong answer is not marked:\n%s", out.String())
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	if status := run(ctx, nil, &stdout, &stderr); status != 1 || stderr.String() != "jwtapi: interrupted after 0 answers\n" {
		t.Errorf("exit status %d, stderr %q", status, stderr.String())
	}
}

// TestServe serves the API to tokens of an issuer that knows nothing of it.
func TestServe(t *testing.T) {
	t.Parallel()
	iss := &issuer{}
	if err := iss.rotate(); err != nil {
		t.Fatal(err)
	}
	url, stop, err := story.Serve(iss)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	iss.url = url

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, w := io.Pipe()
	var stderr bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"-issuer", url, "-audience", audience, "-listen", "127.0.0.1:0"}, w, &stderr)
		w.Close()
	}()
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("%v; stderr: %s", err, stderr.String())
	}
	go io.Copy(io.Discard, lines)
	s := story.New(ctx, io.Discard)
	s.API = regexp.MustCompile(`http://[0-9.:]+`).FindString(line)
	s.Get(200, "a good token", iss.mint(nil))
	s.Get(401, "a forged one", iss.unsigned())
	if err := s.End(); err != nil {
		t.Error(err)
	}
	// One that was dialled for the second request and not needed, since the first's was
	// free in time, would keep the server waiting for as long as it waits at its end.
	http.DefaultClient.CloseIdleConnections()
	cancel()
	if got := <-status; got != 0 || stderr.String() != "" {
		t.Errorf("exit status %d, stderr %q", got, stderr.String())
	}
}

// TestServeEarly serves the API before its issuer is there.
func TestServeEarly(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, w := io.Pipe()
	var stderr bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"-issuer", "http://127.0.0.1:1", "-audience", audience, "-listen", "127.0.0.1:0"}, w, &stderr)
		w.Close()
	}()
	lines := bufio.NewReader(out)
	said, err := lines.ReadString('\n')
	if err != nil || !strings.Contains(said, " jwt: fetching keys: GET http://127.0.0.1:1/.well-known/openid-configuration: ") {
		t.Errorf("it begins with %q, %v", said, err)
	}
	said, err = lines.ReadString('\n')
	if err != nil {
		t.Fatalf("%v; stderr: %s", err, stderr.String())
	}
	go io.Copy(io.Discard, lines)
	iss := &issuer{url: "http://127.0.0.1:1"}
	if err := iss.rotate(); err != nil {
		t.Fatal(err)
	}
	s := story.New(ctx, io.Discard)
	s.API = regexp.MustCompile(`http://[0-9.:]+`).FindString(said)
	s.Get(503, "a token nobody can judge yet", iss.mint(nil))
	if err := s.End(); err != nil {
		t.Error(err)
	}
	cancel()
	if got := <-status; got != 0 || stderr.String() != "" {
		t.Errorf("exit status %d, stderr %q", got, stderr.String())
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		args           []string
		status         int
		stdout, stderr string // the beginning
	}{
		{"help", []string{"-h"}, 0, "Jwtapi is ", ""},
		{"unknown flag", []string{"-x"}, 2, "", "jwtapi: flag provided but not defined: -x"},
		{"argument", []string{"x"}, 2, "", `jwtapi: unexpected argument "x"`},
		{"no audience", []string{"-issuer", "https://x.example"}, 2, "", "jwtapi: to serve, both -issuer and -audience are needed"},
		{"no issuer", []string{"-listen", "127.0.0.1:0"}, 2, "", "jwtapi: to serve, both -issuer and -audience are needed"},
		{"http", []string{"-issuer", "http://x.example", "-audience", "y", "-listen", "127.0.0.1:0"}, 1, "", "jwtapi: jwt: Remote.Issuer is http"},
		{"no address", []string{"-issuer", "http://127.0.0.1:1", "-audience", "y", "-listen", "127.0.0.1:x"}, 1, "", "jwtapi: listen tcp"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			if status := run(t.Context(), tt.args, &stdout, &stderr); status != tt.status {
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
			if lines := strings.Count(stderr.String(), "\n"); tt.status != 0 && lines != 1 {
				t.Errorf("run(%q) wrote %d lines to stderr, want 1", tt.args, lines)
			}
		})
	}
}
