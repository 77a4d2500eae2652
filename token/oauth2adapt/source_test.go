package oauth2adapt_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

type tokenSource func() (*oauth2.Token, error)

func (f tokenSource) Token() (*oauth2.Token, error) { return f() }

func TestSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		src := oauth2adapt.Source(tokenSource(func() (*oauth2.Token, error) {
			asked++
			return &oauth2.Token{AccessToken: fmt.Sprint("a", asked), TokenType: "BEARER", RefreshToken: "r", Expiry: time.Now().Add(time.Minute), ExpiresIn: 3600}, nil
		}))
		for n := range 3 {
			tok, err := src.Token(t.Context())
			if err != nil || tok.Value.Reveal() != fmt.Sprint("a", n+1) || tok.ExpiresIn != time.Minute || tok.Type != "" {
				t.Errorf("got %q %v %q, %v", tok.Value.Reveal(), tok.ExpiresIn, tok.Type, err)
			}
		}
	})
}

// Callers leave when their time is up; the TokenSource is never asked twice at
// once, and what it says at last is for whoever waits then.
func TestSourceThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		release := make(chan struct{})
		src := oauth2adapt.Source(tokenSource(func() (*oauth2.Token, error) {
			n := asked.Add(1)
			<-release
			return &oauth2.Token{AccessToken: fmt.Sprint("a", n)}, nil
		}))
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			began := time.Now()
			_, err := src.Token(ctx)
			if took := time.Since(began); took != time.Second || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, token.ErrInvalid) {
				t.Fatalf("after %v: %v", took, err)
			}
			cancel()
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times, each in a goroutine that is still there", n)
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if tok, err := src.Token(t.Context()); err != nil || tok.Value.Reveal() != "a1" {
					t.Errorf("got %q, %v", tok.Value.Reveal(), err)
				}
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		if tok, err := src.Token(t.Context()); err != nil || tok.Value.Reveal() != "a2" {
			t.Errorf("got %q, %v", tok.Value.Reveal(), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := src.Token(ctx)
		synctest.Wait()
		if !errors.Is(err, context.Canceled) || asked.Load() != 2 {
			t.Errorf("a call that is over asked (%v)", err)
		}
	})
}

func TestSourceFails(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for name, test := range map[string]struct {
		ts   oauth2.TokenSource
		want string
		is   error
	}{
		"nil":           {nil, "Source was given no TokenSource", nil},
		"fails":         {tokenSource(func() (*oauth2.Token, error) { return nil, boom }), "no token from the TokenSource: boom", boom},
		"gives nothing": {tokenSource(func() (*oauth2.Token, error) { return nil, nil }), "an empty token and no error", nil},
		"gives none":    {tokenSource(func() (*oauth2.Token, error) { return &oauth2.Token{RefreshToken: presented}, nil }), "an empty token and no error", nil},
		"panics":        {tokenSource(func() (*oauth2.Token, error) { panic(presented) }), "panicked", nil},
		"exits":         {tokenSource(func() (*oauth2.Token, error) { runtime.Goexit(); return nil, nil }), "Goexit", nil},
		"blames":        {tokenSource(func() (*oauth2.Token, error) { return nil, token.ErrExpired }), "expired", token.ErrRefused},
		"names a URL": {tokenSource(func() (*oauth2.Token, error) {
			return nil, &url.Error{Op: "Post", URL: "https://issuer.example/?hush", Err: boom}
		}), "boom", boom},
		"names a proxy": {tokenSource(func() (*oauth2.Token, error) {
			return nil, &url.Error{Op: "Post", URL: "https://issuer.example", Err: &url.Error{Op: "parse", URL: "http://me:hush@proxy.example", Err: boom}}
		}), "boom", boom},
		"is no answer": {tokenSource(func() (*oauth2.Token, error) { return nil, &oauth2.RetrieveError{ErrorCode: "invalid_grant"} }), "invalid_grant", nil},
	} {
		for range 2 {
			_, err := oauth2adapt.Source(test.ts).Token(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) || errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s: got %v, want %q", name, err, test.want)
			}
			keepsSecrets(t, err)
		}
	}
}

// An error of oauth2 quotes the whole answer; ours does not, and says the rest.
func TestRetrieveError(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status  int
		body    string
		refused bool
		said    string
	}{
		{400, `{"error":"invalid_grant","error_description":"` + newRefresh + `"}`, true, "(400 Bad Request, invalid_grant)"},
		{400, `{"error":"` + newRefresh + `"}`, false, "(400 Bad Request)"},
		{503, newRefresh, false, "(503 Service Unavailable)"},
	} {
		i := newIssuer(t, says(test.status, test.body, "Retry-After", "5", "Content-Type", "application/json"))
		config := clientcredentials.Config{ClientID: "cli", ClientSecret: clientSecret, TokenURL: i.URL + "/token?key=hush", AuthStyle: oauth2.AuthStyleInHeader}
		_, err := oauth2adapt.Source(config.TokenSource(t.Context())).Token(t.Context())
		if want := "oauth2adapt: no token from " + i.URL + "/token " + test.said; err == nil || err.Error() != want || errors.Is(err, token.ErrRefused) != test.refused {
			t.Errorf("got %v, want %s", err, want)
		}
		if e, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || e.Response.StatusCode != test.status || token.RetryAfter(err) != 5*time.Second {
			t.Errorf("%v is no RetrieveError that asks to wait", err)
		}
		for _, verb := range []string{"%v", "%+v", "%q"} {
			if strings.Contains(fmt.Sprintf(verb, err), newRefresh) {
				t.Errorf("the answer is in it: "+verb, err)
			}
		}
	}
}

func TestTokenSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		expiry := time.Now().Add(24 * time.Hour)
		type key struct{}
		ctx := context.WithValue(t.Context(), key{}, true)
		for _, test := range []struct {
			tok    token.Token
			expiry time.Time
			in     int64
		}{
			{token.Token{Value: token.NewSecret(newAccess)}, time.Time{}, 0},
			{token.Token{Value: token.NewSecret(newAccess), Type: "DPoP", Expiry: expiry}, expiry, 0},
			{token.Token{Value: token.NewSecret(newAccess), ExpiresIn: time.Hour, Expiry: expiry}, time.Now().Add(time.Hour), 3600},
			{token.Token{Value: token.NewSecret(newAccess), ExpiresIn: -time.Second}, time.Now().Add(-time.Second), 0},
		} {
			got, err := oauth2adapt.TokenSource(ctx, token.SourceFunc(func(ctx context.Context) (token.Token, error) {
				if ctx.Value(key{}) == nil {
					t.Error("another context")
				}
				return test.tok, nil
			})).Token()
			if err != nil || got.AccessToken != newAccess || got.TokenType != test.tok.Type || !got.Expiry.Equal(test.expiry) || got.ExpiresIn != test.in || got.RefreshToken != "" {
				t.Errorf("got %v until %v, %v", got, got.Expiry, err)
			}
		}
		boom := errors.New("boom")
		for _, src := range []token.Source{nil, token.Static(token.Token{}),
			token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, nil }),
			token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, boom }),
		} {
			if got, err := oauth2adapt.TokenSource(ctx, src).Token(); err == nil || got != nil {
				t.Errorf("got %v, %v", got, err)
			}
		}
	})
}

// There and back: what oauth2 code makes of our Source works with its transport.
func TestThereAndBack(t *testing.T) {
	t.Parallel()
	api := newIssuer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+newAccess {
			w.WriteHeader(401)
		}
	})
	src := refresh.New(oauth2adapt.Source(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: newAccess, Expiry: time.Now().Add(time.Hour)})))
	client := &http.Client{Transport: &oauth2.Transport{Source: oauth2adapt.TokenSource(t.Context(), src)}}
	resp, err := client.Get(api.URL)
	if err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
}
