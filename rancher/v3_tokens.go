package rancher

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A V3Token is what Rancher 2.x keeps of a token. The secret is not in it.
type V3Token struct {
	Name        string // "token-7d9xk"; no secret
	UserID      string
	Provider    string
	Description string
	Cluster     string // the only cluster it is good for; empty means all

	Created   time.Time
	Lifetime  time.Duration // granted; 0 is for ever
	ExpiresAt time.Time     // by the server's clock, computed if it does not say; zero is never

	// ExpiresIn is how much was left of it by the server's clock when the answer
	// came, which needs no clock of this machine: see [token.Token]. Zero is for
	// ever, or not known; negative is nothing.
	ExpiresIn time.Duration

	Current bool // it is the token that asks
	Derived bool // it was made with another token, rather than by a login
	Expired bool
	Enabled bool

	LastUsed   time.Time // 2.10 and later; zero if it was not, or is not known
	LastActive time.Time // 2.11 and later: when a UserActivity was last recorded; zero if never

	Ext bool // it is one of ext.cattle.io
}

// Tokens lists the tokens of the user who asks, those of logins and expired ones
// among them (GET /v3/tokens). Those of ext.cattle.io are not.
func (c *V3) Tokens(ctx context.Context) ([]V3Token, error) { return c.list(ctx, token.Token{}) }

// mostPages is how many answers one list may take.
const mostPages = 100

// list is Tokens with tok.
func (c *V3) list(ctx context.Context, tok token.Token) ([]V3Token, error) {
	tokens := []V3Token{}
	path, room := "/v3/tokens", longestList
	for range mostPages {
		a, err := c.call(ctx, tok, call{op: "list the tokens", method: http.MethodGet, path: path, most: longestList})
		if err != nil {
			return nil, err
		}
		if room -= len(a.body); room < 0 {
			return nil, a.odd(fmt.Sprintf("the list is too long: more than %d bytes", longestList), "is this Rancher? Delete expired tokens, if it is")
		}
		page, next, err := readTokens(a)
		if err != nil {
			return nil, a.unreadable(err)
		}
		tokens = append(tokens, page...)
		if next == "" {
			return tokens, nil
		}
		if path = c.Server.below(next); !strings.HasPrefix(path, "/v3/tokens?") {
			return nil, a.unreadable(errors.New("pagination.next: it leads elsewhere"))
		}
	}
	return nil, call{op: "list the tokens"}.fail(fmt.Errorf("%w: the list has more than %d pages", ErrNotRancher, mostPages))
}

// readTokens reads a list of tokens, and where it goes on; empty means that this
// is the end.
func readTokens(a *answer) (tokens []V3Token, next string, err error) {
	found := false
	r := a.reader()
	for name := range r.Object() {
		switch name {
		case "data":
			found = true
			if !isArray(&r) {
				continue
			}
			for i := range r.Array() {
				t := readRecord(&r)
				t.ExpiresIn = t.left(a)
				if r.Err() == nil && !isName(t.Name) && err == nil {
					err = fmt.Errorf("data[%d]: id: missing, or no name", i)
				}
				tokens = append(tokens, t.V3Token)
			}
		case "pagination":
			if !isObject(&r) {
				continue
			}
			for name := range r.Object() {
				if name == "next" {
					next = text(&r)
				}
			}
		}
	}
	if failed := r.End(); failed != nil {
		return nil, "", failed
	}
	if err == nil && !found {
		err = errors.New("data: missing")
	}
	return tokens, next, err
}

// Get returns one of the user's tokens (GET /v3/tokens/NAME).
func (c *V3) Get(ctx context.Context, name string) (V3Token, error) {
	return c.get(ctx, token.Token{}, name)
}

// get is Get with tok.
func (c *V3) get(ctx context.Context, tok token.Token, name string) (V3Token, error) {
	if err := checkName("token", name); err != nil {
		return V3Token{}, call{op: "read a token"}.fail(err)
	}
	a, err := c.call(ctx, tok, call{op: "read token " + name, method: http.MethodGet, path: "/v3/tokens/" + name})
	if err != nil {
		return V3Token{}, err
	}
	t, err := readToken(a)
	if err == nil && t.Name != name {
		err = errors.New("id: it is another token's")
	}
	if err != nil {
		return V3Token{}, a.unreadable(err)
	}
	return t.V3Token, nil
}

// Delete revokes one of the user's tokens (DELETE /v3/tokens/NAME). One that is
// gone already is no error. A login's own token is not deleted with itself: the
// error matches [ErrCurrent].
func (c *V3) Delete(ctx context.Context, name string) error {
	return c.remove(ctx, token.Token{}, name)
}

// remove is Delete with tok.
func (c *V3) remove(ctx context.Context, tok token.Token, name string) error {
	if err := checkName("token", name); err != nil {
		return call{op: "delete a token"}.fail(err)
	}
	a, err := c.call(ctx, tok, call{op: "delete token " + name, method: http.MethodDelete, path: "/v3/tokens/" + name})
	switch {
	case errors.Is(err, ErrNotFound):
		return nil // v3Check has made sure that it is Rancher who says so
	case err != nil && a != nil && a.status == http.StatusBadRequest && strings.HasPrefix(read(a).message, "Cannot delete token for current session"):
		return a.failed(ErrCurrent, "use Logout")
	}
	return err
}
