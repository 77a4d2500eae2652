package oauth2adapt_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// idToken is an ID token with these claims.
func idToken(claims string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"RS256"}`)) + "." + enc([]byte(claims)) + "." + enc([]byte("nEw8ignature5Yh"))
}

// idFor is one that was issued at iat and lives for life.
func idFor(iat time.Time, life time.Duration) string {
	return idToken(fmt.Sprintf(`{"iss":"https://issuer.example","sub":"alice","iat":%d,"exp":%d}`, iat.Unix(), iat.Add(life).Unix()))
}

// With IDToken the ID token takes the place of the access token, and lives as
// long as it says itself, not as long as that.
func TestIDToken(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, test := range map[string]struct {
		id   string
		want time.Duration
	}{
		"an ordinary one":         {idFor(now, 10*time.Minute), 10 * time.Minute},
		"of a clock ahead":        {idFor(now.Add(20*time.Hour), 10*time.Minute), 10 * time.Minute},
		"of a clock behind":       {idFor(now.Add(-20*time.Hour), 10*time.Minute), 10 * time.Minute},
		"without iat":             {idToken(fmt.Sprintf(`{"exp":%d}`, now.Add(time.Hour).Unix())), 0},
		"without exp":             {idToken(fmt.Sprintf(`{"iat":%d}`, now.Unix())), 0},
		"that ends as it begins":  {idFor(now, 0), 0},
		"of long ago":             {idToken(fmt.Sprintf(`{"iat":1,"exp":%d}`, now.Add(time.Hour).Unix())), time.Hour},
		"of long ago, long ended": {idFor(now.Add(-48*time.Hour), time.Hour), -47 * time.Hour},
	} {
		x := newIssuer(t, says(200, `{`+tokens+`,"expires_in":7200,"token_type":"DPoP","id_token":"`+test.id+`"}`)).exchanger()
		x.IDToken = true
		p, err := x.Exchange(t.Context(), old)
		if err != nil {
			t.Fatal(err)
		}
		got := summarise(p)
		got.For = got.For.Round(time.Minute)
		if diff := cmp.Diff(summary{Access: test.id, Refresh: newRefresh, For: test.want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Without IDToken an ID token is nothing that is looked at.
func TestNoIDToken(t *testing.T) {
	t.Parallel()
	p, err := newIssuer(t, says(200, `{`+tokens+`,"id_token":"`+idFor(time.Now(), time.Hour)+`"}`)).exchanger().Exchange(t.Context(), old)
	if err != nil || p.Access.Value.Reveal() != newAccess {
		t.Errorf("got the access token: %t, %v", p.Access.Value.Reveal() == newAccess, err)
	}
}

// An answer without an ID token does not cost the login: what refresh token it has
// is kept, and one without any leaves the old one as it was.
func TestIDTokenMissing(t *testing.T) {
	t.Parallel()
	const access = `"access_token":"` + newAccess + `"`
	for name, test := range map[string]struct {
		body    string
		outcome refresh.Outcome
		kept    string
		text    string
	}{
		"a new pair":            {`{` + tokens + `}`, refresh.Unknown, newRefresh, "no ID token: log in with the scope openid"},
		"an access token":       {`{` + access + `}`, refresh.Transient, "", "no ID token: log in with the scope openid"},
		"and the old one":       {`{` + access + `,"refresh_token":"` + presented + `"}`, refresh.Transient, "", "no ID token"},
		"one that is no JWT":    {`{` + tokens + `,"id_token":"` + newAccess + `"}`, refresh.Unknown, newRefresh, "no ID token"},
		"one that is broken":    {`{` + tokens + `,"id_token":"eyJhbGciOiJub25lIn0.e30"}`, refresh.Unknown, newRefresh, "no ID token"},
		"one that is a number":  {`{` + tokens + `,"id_token":7}`, refresh.Unknown, newRefresh, "no ID token"},
		"a refresh token alone": {`{"refresh_token":"` + newRefresh + `"}`, refresh.Unknown, newRefresh, "no usable access token"},
		"nothing":               {`{}`, refresh.Unknown, "", "no usable access token"},
	} {
		x := newIssuer(t, says(200, test.body)).exchanger()
		x.IDToken = true
		p, err := x.Exchange(t.Context(), old)
		e := exchanged(t, p, err)
		if e.Outcome != test.outcome || e.Refresh.Value.Reveal() != test.kept || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v, kept a token: %t, %v", name, e.Outcome, !e.Refresh.IsZero(), err)
		}
	}
}

// An ID token is no success where the status says otherwise.
func TestIDTokenOfARefusal(t *testing.T) {
	t.Parallel()
	x := newIssuer(t, says(400, `{"error":"invalid_grant",`+tokens+`,"id_token":"`+idFor(time.Now(), time.Hour)+`"}`)).exchanger()
	x.IDToken = true
	p, err := x.Exchange(t.Context(), old)
	if e := exchanged(t, p, err); e.Outcome != refresh.Terminal {
		t.Errorf("%v %v", e.Outcome, err)
	}
}

// The pair of a login has the ID token, with what it has left now.
func TestIDTokenPair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		login := func(extra map[string]any) *oauth2.Token {
			return (&oauth2.Token{AccessToken: newAccess, RefreshToken: newRefresh, TokenType: "dpop", Expiry: now.Add(time.Hour), ExpiresIn: 3600}).WithExtra(extra)
		}
		id := idFor(now, 10*time.Minute)
		pair := func(tok *oauth2.Token) summary {
			t.Helper()
			p, err := oauth2adapt.IDTokenPair(tok)
			if err != nil {
				t.Fatal(err)
			}
			return summarise(p)
		}
		want := summary{Access: id, Refresh: newRefresh, For: 10 * time.Minute, RefreshFor: 2 * time.Hour}
		if diff := cmp.Diff(want, pair(login(map[string]any{"id_token": id, "refresh_expires_in": 7200}))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		forever := login(map[string]any{"id_token": id})
		forever.Expiry, forever.ExpiresIn, forever.RefreshToken = time.Time{}, 0, ""
		if diff := cmp.Diff(summary{Access: id, For: 10 * time.Minute}, pair(forever)); diff != "" {
			t.Errorf("an access token without end (-want +got):\n%s", diff)
		}
		time.Sleep(4 * time.Minute)
		want.For, want.RefreshFor = 6*time.Minute, 0
		if diff := cmp.Diff(want, pair(login(map[string]any{"id_token": id}))); diff != "" {
			t.Errorf("some time after the login (-want +got):\n%s", diff)
		}
		time.Sleep(6 * time.Minute)
		if got := pair(login(map[string]any{"id_token": id})).For; got != -1 {
			t.Errorf("%v left of one that has just ended", got)
		}
		for name, tok := range map[string]*oauth2.Token{
			"no login": nil, "none": login(nil), "another type": login(map[string]any{"id_token": 7}), "no JWT": login(map[string]any{"id_token": newAccess}),
		} {
			p, err := oauth2adapt.IDTokenPair(tok)
			if err == nil || !p.Access.IsZero() || !p.Refresh.IsZero() || errors.Is(err, token.ErrInvalid) || !strings.HasPrefix(err.Error(), "oauth2adapt: ") {
				t.Errorf("%s: got %v", name, err)
			}
			if err != nil {
				keepsSecrets(t, err)
			}
		}
	})
}
