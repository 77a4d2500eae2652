package oidcprovider

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// TestServer drives a server through everything that tests do with one.
func TestServer(t *testing.T) {
	t.Parallel()
	began := time.Now()
	s := Start(t)
	t.Logf("ready after %v", time.Since(began).Round(time.Millisecond))

	t.Run("Tokens", func(t *testing.T) {
		for _, c := range []Client{s.Basic, s.Post} {
			tok := s.Token(t, c, JWT)
			info, err := token.Inspect(tok.Value)
			if err != nil || info.Claims.Issuer != s.URL || info.Claims.Audience[0] != JWT || info.KeyID != kids(t, s)[0] {
				t.Errorf("client %s got the JWT %+v (%v)", c.ID, info, err)
			}
			if tok.ExpiresIn != 10*time.Minute {
				t.Errorf("it lives for %v", tok.ExpiresIn)
			}
			if opaque := s.Token(t, c, Opaque).Value.Reveal(); strings.Contains(opaque, ".") {
				t.Error("the opaque token looks like a JWT")
			}
		}
	})

	t.Run("Rotate", func(t *testing.T) {
		seen := map[string]bool{}
		for _, algorithm := range []string{"RS256", "EdDSA", "ES256"} {
			seen[kids(t, s)[0]] = true
			s.Rotate(t, algorithm)
			now := kids(t, s)
			if len(now) != 1 || seen[now[0]] {
				t.Errorf("the keys are %v after %v", now, seen)
			}
			info, err := token.Inspect(s.Token(t, s.Basic, JWT).Value)
			if err != nil || info.Algorithm != algorithm || info.KeyID != now[0] {
				t.Errorf("a token is signed with %s key %q (%v), want %s %q", info.Algorithm, info.KeyID, err, algorithm, now[0])
			}
		}
	})

	t.Run("Clock", func(t *testing.T) {
		defer s.SetClock(t, 0)
		for _, offset := range []time.Duration{time.Hour, -time.Hour} {
			s.SetClock(t, offset)
			want := time.Now().Add(offset)
			info, err := token.Inspect(s.Token(t, s.Basic, JWT).Value)
			if err != nil || info.Claims.IssuedAt.Sub(want).Abs() > offset.Abs()/2 {
				t.Errorf("a token is of %v (%v), want about %v", info.Claims.IssuedAt, err, want)
			}
			resp, _ := get(t, s.URL+"/jwks")
			if date, err := http.ParseTime(resp.Header.Get("Date")); err != nil || date.Sub(want).Abs() > offset.Abs()/2 {
				t.Errorf("its Date is %v (%v), want about %v", date, err, want)
			}
		}
	})

	t.Run("Restart", func(t *testing.T) {
		before := kids(t, s)
		s.Stop()
		s.Stop()
		if resp, err := http.Get(s.URL + "/jwks"); err == nil {
			resp.Body.Close()
			t.Error("a stopped server answers")
		}
		s.Restart(t)
		s.Restart(t) // a running one
		if after := kids(t, s); after[0] != before[0] {
			t.Errorf("its key is %v, was %v", after, before)
		}
		s.Stop()
		s.Rotate(t, "ES256")
		s.SetClock(t, 0)
		s.Restart(t)
		if after := kids(t, s); after[0] == before[0] {
			t.Errorf("its key is still %v", after)
		}
	})

	log, err := os.ReadFile(s.log)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{s.Basic.Secret.Reveal(), s.Post.Secret.Reveal(), `"d":`} {
		if strings.Contains(string(log), secret) {
			t.Error("there is a secret in its log")
		}
	}
}

// TestOrphan shows that a server ends when the test that started it is gone:
// that is what the end of its standard input means.
func TestOrphan(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	t.Cleanup(s.Stop)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	s.process.CloseInput()
	select {
	case <-s.process.Done():
	case <-time.After(time.Minute):
		t.Fatal("the server still runs a minute after its standard input ended")
	}
	if err := s.process.Err(); err != nil {
		t.Errorf("it ended with %v, want success", err)
	}
}

// TestBadCommands shows that a line that the program cannot follow is an error
// without secrets, and the next one works.
func TestBadCommands(t *testing.T) {
	t.Parallel()
	s := Start(t)
	for line, want := range map[string]string{
		"cluck 1":            "no such command",
		"clock":              "no such command",
		"toString ":          "no such command",
		"clock soon":         "a number of milliseconds",
		"provider {hush":     "that is no JSON",
		`provider {"jwks":}`: "that is no JSON",
	} {
		if err := s.process.Command(line); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: got %v, want %q", line, err, want)
		}
	}
	s.Rotate(t, "ES256")
}

// TestPortTaken shows that a server that cannot start says why, at once.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	first := Start(t)
	second := newServer(t)
	t.Cleanup(second.Stop)
	second.port = first.port
	if err := second.start(); err == nil || !strings.Contains(err.Error(), "EADDRINUSE") {
		t.Errorf("got %v, want one that says that the port is in use", err)
	}
}

// kids returns the IDs of the keys that the server publishes.
func kids(t *testing.T, s *Server) (ids []string) {
	t.Helper()
	_, body := get(t, s.URL+"/jwks")
	var set struct {
		Keys []struct{ Kid string }
	}
	if err := json.Unmarshal(body, &set); err != nil || len(set.Keys) == 0 {
		t.Fatalf("the keys read %s (%v)", body, err)
	}
	for _, key := range set.Keys {
		ids = append(ids, key.Kid)
	}
	return ids
}

func get(t *testing.T, url string) (*http.Response, []byte) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

// TestRefresh shows what the server does with refresh tokens, and what it counts
// of that: each is good for one exchange, and one that comes again ends the
// login.
func TestRefresh(t *testing.T) {
	t.Parallel()
	s := Start(t)
	first := s.Login(t, s.Post)
	if first.Access.ExpiresIn <= 0 {
		t.Errorf("the access token lives for %v", first.Access.ExpiresIn)
	}
	exchange := func(tok token.Secret) int {
		t.Helper()
		// On a connection that is kept, which the server may be about to close, a request
		// like this one can be lost.
		resp, err := s.HTTPClient().PostForm(s.URL+"/token", url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {tok.Reveal()},
			"client_id": {s.Post.ID}, "client_secret": {s.Post.Secret.Reveal()},
		})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	other := s.Login(t, s.Basic)
	for _, step := range []struct {
		tok    token.Secret
		status int
		want   Count
	}{
		{first.Refresh.Value, 200, Count{Presented: 1, Different: 1, Exchanged: 1}},
		{token.NewSecret("nobody-ever-issued-this"), 400, Count{Presented: 2, Different: 2, Exchanged: 1}},
		{other.Refresh.Value, 400, Count{Presented: 3, Different: 3, Exchanged: 1}}, // another client's
		{first.Refresh.Value, 400, Count{Presented: 4, Different: 3, Exchanged: 1, Revoked: 1}},
		{first.Refresh.Value, 400, Count{Presented: 5, Different: 3, Exchanged: 1, Revoked: 1}},
	} {
		if status := exchange(step.tok); status != step.status {
			t.Errorf("status %d, want %d", status, step.status)
		}
		if got := s.Count(t); got != step.want {
			t.Errorf("the server counts %+v, want %+v", got, step.want)
		}
	}
}
