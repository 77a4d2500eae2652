package rancher_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// A stubborn source supplies the same token whatever it is told.
type stubborn struct {
	tok         token.Token
	asked, told int
}

func (s *stubborn) Token(context.Context) (token.Token, error) {
	if s.asked++; s.asked > 100 {
		return token.Token{}, errors.New("asked over and over")
	}
	return s.tok, nil
}

func (s *stubborn) Invalidate(token.Token) { s.told++ }

// A First that is told that its token was refused, and supplies it again, is not
// asked over and over.
func TestV3SourceFirstStubborn(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		c.fake.DisableToken(c.keyName())
		first := &stubborn{tok: c.key}
		src := c.source()
		src.First = first
		if _, err := src.Token(t.Context()); !errors.Is(err, token.ErrRefused) || first.asked > 3 || first.told != 1 {
			t.Errorf("got %v, after asking %d times and telling %d times", err, first.asked, first.told)
		}
	})
}

// A token that is refused long after it was refused before is left alone for a
// minute again: it has been good in between.
func TestV3SourceRefusedLongAgo(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		for range 3 {
			c.fake.SetFault(refusesAll)
			if _, err := c.source().Token(t.Context()); !errors.Is(err, token.ErrRefused) {
				t.Fatalf("got %v", err)
			}
			c.fake.SetFault(nil)
			time.Sleep(70 * time.Second)
			mustToken(t, c.source())
			settle()
			for _, name := range c.ours() {
				c.fake.DeleteToken(name)
			}
			c.store.Swap(t.Context(), "pair/rancher/ci", pairOf(t, c), nil, time.Time{})
			time.Sleep(30 * time.Minute)
		}
	})
}

func pairOf(t *testing.T, c *chainTest) []byte {
	t.Helper()
	raw, err := c.store.Get(t.Context(), "pair/rancher/ci")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// A right password ends the pauses that wrong ones have made longer.
func TestV3SourcePasswordRightAgain(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		password := "wrong"
		src := c.client.NewSource(func(context.Context) (rancher.Credentials, error) {
			return rancher.Credentials{Username: "mira", Password: token.NewSecret(password)}, nil
		}).(*rancher.V3Source)
		fails := func() {
			t.Helper()
			if _, err := src.Token(t.Context()); !errors.Is(err, rancher.ErrCredentials) {
				t.Fatalf("got %v", err)
			}
		}
		fails()
		time.Sleep(5 * time.Minute)
		fails()
		password = "mira-password"
		time.Sleep(20 * time.Minute)
		tok := mustToken(t, src)
		settle()
		for _, name := range c.ours() {
			c.fake.DeleteToken(name)
		}
		password = "wrong"
		src.Invalidate(tok)
		fails()
		password = "mira-password"
		time.Sleep(5 * time.Minute)
		mustToken(t, src)
	})
}

// What is to delete with a token that turns out to be dead is not tried with it
// again and again.
func TestV3SourceDeletesWithTheDead(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		src := c.source()
		src.Invalidate(mustToken(t, src))
		tok := mustToken(t, src)
		settle()
		c.fake.SetFault(ranchertest.For(func(*http.Request) bool {
			return len(c.events.of(rancher.V3Created)) == 3
		}, refusesAll))
		src.Invalidate(tok)
		mustToken(t, src)
		before := c.count("GET /v3/tokens")
		settle()
		if n := c.count("GET /v3/tokens") - before; n > 1 {
			t.Errorf("the list was asked for %d times", n)
		}
		if n := len(c.events.of(rancher.V3Left)); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}
