package oauth2adapt_test

import (
	"encoding/json"
	"math"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// A pair says how long it has left now, whenever it was obtained.
func TestPair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		in := func(d time.Duration) time.Time { return now.Add(d) }
		tok := func(expiry time.Time, expiresIn int64, extra map[string]any) *oauth2.Token {
			out := &oauth2.Token{AccessToken: newAccess, RefreshToken: newRefresh, TokenType: "bearer", Expiry: expiry, ExpiresIn: expiresIn}
			if extra != nil {
				out = out.WithExtra(extra)
			}
			return out
		}
		both := func(access, refresh time.Duration) summary {
			return summary{Access: newAccess, Refresh: newRefresh, For: access, RefreshFor: refresh}
		}
		for name, test := range map[string]struct {
			tok  *oauth2.Token
			want summary
		}{
			"none":              {nil, summary{}},
			"empty":             {&oauth2.Token{}, summary{}},
			"no access token":   {&oauth2.Token{RefreshToken: newRefresh}, summary{Refresh: newRefresh}},
			"no refresh token":  {&oauth2.Token{AccessToken: newAccess, TokenType: "dpop"}, summary{Access: newAccess, Type: "dpop"}},
			"no end":            {tok(time.Time{}, 0, nil), both(0, 0)},
			"just obtained":     {tok(in(time.Hour), 3600, nil), both(time.Hour, 0)},
			"kept for a while":  {tok(in(10*time.Minute).Round(0), 3600, nil), both(10*time.Minute, 0)},
			"dead":              {tok(in(-time.Minute), 3600, nil), both(-time.Minute, 0)},
			"dead just now":     {tok(in(0), 3600, nil), both(-1, 0)},
			"by its life alone": {tok(time.Time{}, 60, nil), both(time.Minute, 0)},
			"by its end alone":  {tok(in(time.Minute), 0, nil), both(time.Minute, 0)},
			// The clock was set back since; nothing lives longer for that.
			"a clock set back":        {tok(in(5*time.Hour).Round(0), 3600, nil), both(time.Hour, 0)},
			"a life beyond measure":   {tok(in(time.Hour), math.MaxInt64, nil), both(time.Hour, 0)},
			"a life without an end":   {tok(time.Time{}, math.MaxInt64, nil), both(math.MaxInt64, 0)},
			"of no life":              {tok(in(time.Hour), -1, nil), both(time.Hour, 0)},
			"with a refresh life":     {tok(in(time.Hour), 3600, map[string]any{"refresh_expires_in": 7200.0}), both(time.Hour, 2*time.Hour)},
			"with one, of a form":     {tok(in(time.Hour), 3600, nil).WithExtra(url.Values{"refresh_token_expires_in": {"7200"}}), both(time.Hour, 2*time.Hour)},
			"with one, large":         {tok(in(time.Hour), 3600, map[string]any{"refresh_token_expires_in": 15897600.0}), both(time.Hour, 184*24*time.Hour)},
			"with one, partly past":   {tok(in(10*time.Minute), 3600, map[string]any{"refresh_expires_in": "7200"}), both(10*time.Minute, 70*time.Minute)},
			"with one, past":          {tok(in(-time.Hour), 3600, map[string]any{"refresh_expires_in": 7200}), both(-time.Hour, -1)},
			"with one, of what age":   {tok(in(10*time.Minute), 0, map[string]any{"refresh_expires_in": 7200}), both(10*time.Minute, 2*time.Hour)},
			"with one, of no end":     {tok(time.Time{}, 3600, map[string]any{"refresh_expires_in": 7200}), both(time.Hour, 2*time.Hour)},
			"with one that is not it": {tok(in(time.Hour), 3600, map[string]any{"refresh_expires_in": "soon"}), both(time.Hour, 0)},
		} {
			if diff := cmp.Diff(test.want, summarise(oauth2adapt.Pair(test.tok))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

// The end that a token says itself is its issuer's, and goes before one that was
// reckoned here.
func TestPairExpiry(t *testing.T) {
	t.Parallel()
	const jwt = "eyJhbGciOiJub25lIn0.eyJpYXQiOjE4MDAwMDAwMDAsImV4cCI6MTgwMDAwMDMwMH0."
	here := time.Now().Add(time.Hour)
	for value, want := range map[string]time.Time{newAccess: here, jwt: time.Unix(1_800_000_300, 0)} {
		p := oauth2adapt.Pair(&oauth2.Token{AccessToken: value, Expiry: here})
		if !p.Access.Expiry.Equal(want) || p.Access.ExpiresIn > time.Hour || p.Access.ExpiresIn < time.Hour-time.Minute {
			t.Errorf("until %v, want %v; %v left", p.Access.Expiry, want, p.Access.ExpiresIn)
		}
	}
}

// What a program has kept of a login, as JSON, and reads days later.
func TestPairFromJSON(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		text, err := json.Marshal(&oauth2.Token{AccessToken: newAccess, RefreshToken: newRefresh, Expiry: time.Now().Add(time.Hour), ExpiresIn: 3600})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(48 * time.Hour)
		var tok oauth2.Token
		if err := json.Unmarshal(text, &tok); err != nil {
			t.Fatal(err)
		}
		var p refresh.Pair = oauth2adapt.Pair(&tok)
		if p.Access.ExpiresIn != -47*time.Hour || p.Refresh.Value.Reveal() != newRefresh {
			t.Errorf("the access token has %v left", p.Access.ExpiresIn)
		}
	})
}
