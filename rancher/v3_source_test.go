package rancher_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A chainTest is a Rancher with a user who has an API key, and a V3Source that begins
// with it.
type chainTest struct {
	fake   *ranchertest.V3
	client *rancher.V3
	key    token.Token // the API key
	store  refresh.Store
	events chainEvents
}

func newChainTest(t *testing.T, version string) *chainTest {
	t.Helper()
	fake := ranchertest.NewV3(version)
	fake.AddUser("admin", "admin-password")
	fake.AddUser("mira", "mira-password")
	c := &chainTest{
		fake:   fake,
		client: &rancher.V3{Server: &rancher.Server{URL: fake.URL, HTTP: fake.Client()}},
		store:  new(refresh.Memory),
	}
	c.key = c.apiKey(t, "mira")
	return c
}

// login returns a token of a login.
func (c *chainTest) login(t *testing.T, user string) token.Token {
	t.Helper()
	login, err := c.client.Login(t.Context(), rancher.Credentials{Username: user, Password: token.NewSecret(user + "-password")})
	if err != nil {
		t.Fatal(err)
	}
	return login.Token
}

// apiKey returns a token that was made with that of a login.
func (c *chainTest) apiKey(t *testing.T, user string) token.Token {
	t.Helper()
	with := &rancher.V3{Server: c.client.Server, Source: token.Static(c.login(t, user))}
	key, _, err := with.Create(t.Context(), rancher.V3Request{Description: "an API key", Lifetime: 80 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// source returns a V3Source, as another process would make one.
func (c *chainTest) source() *rancher.V3Source {
	return &rancher.V3Source{
		Client: c.client, First: token.Static(token.Token{Value: c.key.Value}),
		Store: c.store, Key: "ci", Lifetime: 90 * time.Minute, OnEvent: c.events.add,
	}
}

// ours returns the tokens with a description that begins as a V3Source's.
func (c *chainTest) ours() (names []string) {
	for _, tok := range c.fake.Tokens() {
		if strings.HasPrefix(tok.Description, "tokenlife ") && tok.Derived && (tok.TTL == 0 || time.Since(tok.Created) < tok.TTL) {
			names = append(names, tok.Name)
		}
	}
	return names
}

// count returns how many requests of a kind there were.
func (c *chainTest) count(request string) (n int) {
	for _, r := range c.fake.Requests() {
		if strings.HasPrefix(r, request) {
			n++
		}
	}
	return n
}

// mustToken returns the name of the token that src supplies.
func mustToken(t *testing.T, src token.Source) token.Token {
	t.Helper()
	tok, err := src.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func nameOf(t *testing.T, tok token.Token) string {
	t.Helper()
	b, err := rancher.ParseV3(tok.Value)
	if err != nil {
		t.Fatal(err)
	}
	return b.Name
}

// settle waits until what goes on in the background is over.
func settle() {
	time.Sleep(3 * time.Minute)
	synctest.Wait()
}

type chainEvents struct {
	mu  sync.Mutex
	all []rancher.V3Event
}

func (e *chainEvents) add(v rancher.V3Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, v)
}

func (e *chainEvents) of(kind rancher.V3EventKind) (some []rancher.V3Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, v := range e.all {
		if v.Kind == kind {
			some = append(some, v)
		}
	}
	return some
}

// The chain goes on from token to token, and each is deleted a generation late.
func TestV3SourceRenews(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newChainTest(t, "v2.13.1")
		src := c.source()
		var names []string
		for range 5 {
			tok := mustToken(t, src)
			names = append(names, nameOf(t, tok))
			if tok.ExpiresIn <= 0 || tok.ExpiresIn > 90*time.Minute {
				t.Errorf("%v left", tok.ExpiresIn)
			}
			settle()
			if got, want := c.ours(), names[max(0, len(names)-2):]; !slices.Equal(got, want) {
				t.Errorf("after %d renewals there are %v, want %v", len(names)-1, got, want)
			}
			src.Invalidate(tok)
		}
		if slices.Contains(names, nameOf(t, c.key)) {
			t.Error("the first token was handed out")
		}
		slices.Sort(names)
		if len(slices.Compact(names)) != 5 {
			t.Errorf("handed out %v", names)
		}
	})
}

func (c *chainTest) keyName() string {
	b, _ := rancher.ParseV3(c.key.Value)
	return b.Name
}

// secretOf returns the part of a token that must be nowhere to be seen.
func secretOf(tok token.Token) string {
	_, secret, _ := strings.Cut(tok.Value.Reveal(), ":")
	return secret
}
