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
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/examples/internal/story"
	"github.com/tokenlife/tokenlife/token"
)

// TestDemonstration plays the demonstration: it is the test of each answer.
func TestDemonstration(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	status := 1
	for range 5 {
		stdout.Reset()
		stderr.Reset()
		began := time.Now()
		status = run(t.Context(), nil, none, &stdout, &stderr)
		// It waits for ttl twice. If it took one more, the machine is so busy that the
		// API may have forgotten what it had only just been told.
		if status == 0 || time.Since(began) < 3*ttl {
			break
		}
	}
	if status != 0 {
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
		"401 made up",
		"401 expired an hour ago",
		"401 for another API",
		"200 not yet",
		"200 just now: the API remembers it",
		"401 2s later",
		"200 a token the API has seen",
		"200 the same, which it remembers",
		"503 one it has not seen",
		"503 the first, 2s later",
		"200 the same",
		"503 a good token, whose fault it is not",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	refused := regexp.MustCompile(`(?m)^  [45]\d\d  .*\n         log: (GET /hello|POST /notes)(: token: none presented$|, token [0-9a-f]{12}: )`).FindAllString(stdout.String(), -1)
	if lines := strings.Count(stdout.String(), "log: "); len(refused) != 9 || lines != 9 {
		t.Errorf("%d answers of 9 have their line in the log, and there are %d lines", len(refused), lines)
	}
	for _, reason := range []string{
		"its issuer does not call it active", "wrong audience: ", "temporarily_unavailable", "Retry-After: 1",
		"refused this service's own credential",
	} {
		if !strings.Contains(stdout.String(), reason) {
			t.Errorf("no line of the log has %q", reason)
		}
	}
	if strings.ContainsAny(stdout.String(), "\x1b\r") {
		t.Error("there are escape sequences in output that does not go to a terminal")
	}
	if text := regexp.MustCompile(`[A-Z2-7]{26}`).FindString(stdout.String()); text != "" { // rand.Text
		t.Error("a token or a secret is in the output")
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
	if status := run(ctx, nil, none, &stdout, &stderr); status != 1 || stderr.String() != "introspectapi: interrupted after 0 answers\n" {
		t.Errorf("exit status %d, stderr %q", status, stderr.String())
	}
}

// TestServe serves the API with a server that knows nothing of it.
func TestServe(t *testing.T) {
	t.Parallel()
	issuer := &server{api: token.NewSecret("s3cret")}
	url, stop, err := story.Serve(issuer)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, w := io.Pipe()
	var stderr bytes.Buffer
	status := make(chan int, 1)
	go func() {
		args := []string{"-introspect", url + "/introspect", "-client", "api", "-audience", audience, "-listen", "127.0.0.1:0"}
		status <- run(ctx, args, issuer.api, w, &stderr)
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
	s.Get(200, "a good token", issuer.issue(audience, "", time.Hour))
	s.Get(401, "a made up one", token.NewSecret("x"))
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

func TestCommandLine(t *testing.T) {
	t.Parallel()
	const secret = "s3cret"
	url, stop, err := story.Serve(&server{api: token.NewSecret("another")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop() })
	for _, tt := range []struct {
		name           string
		args           []string
		secret         string
		status         int
		stdout, stderr string // the beginning
	}{
		{"help", []string{"-h"}, secret, 0, "Introspectapi is ", ""},
		{"unknown flag", []string{"-x"}, secret, 2, "", "introspectapi: flag provided but not defined: -x"},
		{"argument", []string{"x"}, secret, 2, "", `introspectapi: unexpected argument "x"`},
		{"no client", []string{"-introspect", url, "-audience", "y"}, secret, 2, "", "introspectapi: to serve, -introspect, -client and -audience are needed"},
		{"no server", []string{"-ttl", "1s"}, secret, 2, "", "introspectapi: to serve, -introspect, -client and -audience are needed"},
		{"no secret", []string{"-introspect", url, "-client", "api", "-audience", "y"}, "", 2, "", "introspectapi: to serve, the client's secret is needed in the environment variable INTROSPECTAPI_SECRET"},
		{"no time", []string{"-introspect", url, "-client", "api", "-audience", "y", "-ttl", "0s"}, secret, 2, "", "introspectapi: -ttl 0s is no time at all"},
		{"http", []string{"-introspect", "http://x.example", "-client", "api", "-audience", "y", "-listen", "127.0.0.1:0"}, secret, 1, "", "introspectapi: introspect: no token was sent to http://x.example"},
		{"nobody there", []string{"-introspect", "http://127.0.0.1:1", "-client", "api", "-audience", "y", "-listen", "127.0.0.1:0"}, secret, 1, "", "introspectapi: introspect: no answer from http://127.0.0.1:1"},
		{"no address", []string{"-introspect", "http://127.0.0.1:1", "-client", "api", "-audience", "y", "-listen", "127.0.0.1:x"}, secret, 1, "", "introspectapi: listen tcp"},
		{"wrong secret", []string{"-introspect", url + "/introspect", "-client", "api", "-audience", "y", "-listen", "127.0.0.1:0"}, secret, 1, "", "introspectapi: introspect: " + url + "/introspect refused this service's own credential"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			if status := run(t.Context(), tt.args, token.NewSecret(tt.secret), &stdout, &stderr); status != tt.status {
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
			if strings.Contains(stderr.String(), secret) {
				t.Errorf("run(%q) told the secret", tt.args)
			}
			if lines := strings.Count(stderr.String(), "\n"); tt.status != 0 && lines != 1 {
				t.Errorf("run(%q) wrote %d lines to stderr, want 1", tt.args, lines)
			}
		})
	}
}
