package fosite

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// refresh exchanges a refresh token and returns the next, or what the server
// says.
func refresh(t *testing.T, s *Server, tok string) (next, description string) {
	t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tok}}
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.Config.Endpoint.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(s.Config.ClientID, s.Config.ClientSecret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return "", ""
	}
	defer resp.Body.Close()
	var answer struct {
		Refresh     string `json:"refresh_token"`
		Description string `json:"error_description"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Error(err)
	}
	return answer.Refresh, answer.Description
}

// TestServer shows what the server does with refresh tokens, and what it counts
// of that.
func TestServer(t *testing.T) {
	t.Parallel()
	s := Start(t)
	first := s.Login(t)
	if first.RefreshToken == "" || first.AccessToken == "" || first.ExpiresIn < 3500 {
		t.Fatalf("the login brought no pair (%d s)", first.ExpiresIn)
	}
	wantCount := func(want Count) {
		t.Helper()
		if got := s.Count(); got != want {
			t.Errorf("the server counts %+v, want %+v", got, want)
		}
	}
	wantCount(Count{})
	second, said := refresh(t, s, first.RefreshToken)
	if second == "" || second == first.RefreshToken {
		t.Fatalf("no new refresh token: %s", said)
	}
	wantCount(Count{Presented: 1, Different: 1, Exchanged: 1})

	s.Collide()
	next := make([]string, 2)
	var wg sync.WaitGroup
	for i := range next {
		wg.Go(func() { next[i], _ = refresh(t, s, second) })
	}
	wg.Wait()
	if (next[0] == "") == (next[1] == "") {
		t.Errorf("of two exchanges at once, %d were granted", s.Count().Exchanged-1)
	}
	wantCount(Count{Presented: 3, Different: 2, Exchanged: 2})

	if again, said := refresh(t, s, first.RefreshToken); again != "" || !strings.Contains(said, "already used") {
		t.Errorf("the first token comes again: %q", said)
	}
	if again, _ := refresh(t, s, next[0]+next[1]); again != "" {
		t.Error("the newest token is still good")
	}
	wantCount(Count{Presented: 5, Different: 3, Exchanged: 2, Revoked: 1})

	tok := s.Login(t).RefreshToken
	s.Expire(t, tok)
	if again, said := refresh(t, s, tok); again != "" || !strings.Contains(said, "expired") {
		t.Errorf("an expired token: %q", said)
	}
	wantCount(Count{Presented: 6, Different: 4, Exchanged: 2, Revoked: 1})
}
