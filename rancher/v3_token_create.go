package rancher

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// ErrWider: the server made a token that is good for longer, or for more, than
// was asked for. It has been deleted again, or the error says that it is there.
var ErrWider = errors.New("the server made a token that is good for more than was asked for")

// defaultLifetime is how long a token lives if nobody says.
const defaultLifetime = 24 * time.Hour

// A V3Request asks for a token.
type V3Request struct {
	// Description is what is seen beside the token, of up to 512 bytes; empty
	// means "tokenlife".
	Description string

	Cluster string // the only cluster it is to be good for; empty means all

	// Lifetime is how long the token should live; 0 means 24 hours. The server
	// shortens it to its setting auth-token-max-ttl-minutes without a word: the
	// token says what was granted.
	Lifetime time.Duration

	// AnyLifetime asks for a token that lives for ever, which the server gives
	// if it has no maximum. Lifetime must be 0.
	AnyLifetime bool
}

// Create makes a token with the one that authorizes the call (POST /v3/tokens).
// Its secret is in the [token.Token], and not to be had again.
//
// What is granted may be less than what was asked, and is never more: see
// [ErrWider].
func (c *V3) Create(ctx context.Context, r V3Request) (token.Token, V3Token, error) {
	return c.create(ctx, token.Token{}, r)
}

const opCreate = "create a token"

// create is Create with tok.
func (c *V3) create(ctx context.Context, tok token.Token, r V3Request) (token.Token, V3Token, error) {
	made, t, err := c.createFor(ctx, tok, r, time.Millisecond)
	if errors.Is(err, ErrWider) && c.countsMinutes(ctx) {
		return c.createFor(ctx, tok, r, time.Minute)
	}
	return made, t, err
}

// countsMinutes reports whether the server is of the one version that takes a
// ttl for minutes.
func (c *V3) countsMinutes(ctx context.Context) bool {
	p, err := c.Server.Detect(ctx)
	return err == nil && p.Version == "v2.4.6"
}

// createFor makes a token on a server that counts a ttl in units.
func (c *V3) createFor(ctx context.Context, tok token.Token, r V3Request, unit time.Duration) (token.Token, V3Token, error) {
	cl := call{op: opCreate, method: http.MethodPost, path: "/v3/tokens"}
	var err error
	if cl.body, err = r.body(unit); err != nil {
		return token.Token{}, V3Token{}, cl.fail(err)
	}
	a, err := c.call(ctx, tok, cl)
	if e, ok := errors.AsType[*Error](err); ok && e.Code == "ServerError" {
		e.Remedy = "try again; if it stays so, is the setting auth-token-max-ttl-minutes a number? Rancher takes any text for it, and then makes no token"
	}
	if err != nil {
		return token.Token{}, V3Token{}, err
	}
	t, err := readToken(a)
	if failed := r.fault(a, t, err); failed != nil {
		return token.Token{}, V3Token{}, discard(ctx, "token", t.Name, failed, func(ctx context.Context, name string) error {
			return c.remove(ctx, tok, name)
		})
	}
	made := t.token(a)
	t.ExpiresIn = made.ExpiresIn
	return made, t.V3Token, nil
}

// body returns the body of a request, with the ttl in units.
func (r V3Request) body(unit time.Duration) (string, error) {
	description, err := describe(r.Description)
	switch {
	case err != nil:
		return "", err
	case r.AnyLifetime && r.Lifetime != 0:
		return "", errors.New("V3Request has a Lifetime and AnyLifetime: set one of them")
	case r.Lifetime < 0:
		return "", errors.New("V3Request.Lifetime is negative: set how long the token should live, or AnyLifetime")
	case r.Cluster != "":
		if err := checkName("cluster", r.Cluster); err != nil {
			return "", err
		}
	}
	ttl := int64(0) // which is for ever, or the server's maximum if it has one
	if !r.AnyLifetime {
		if ttl = int64(r.lifetime() / unit); ttl == 0 {
			return "", fmt.Errorf("V3Request.Lifetime is %v: the server takes no less than %v", r.Lifetime, unit)
		}
	}
	body, err := json.Marshal(struct {
		Type        string `json:"type"`
		Description string `json:"description"`
		TTL         int64  `json:"ttl"`
		Cluster     string `json:"clusterId,omitempty"`
	}{"token", description, ttl, r.Cluster})
	return string(body), err
}

func (r V3Request) lifetime() time.Duration { return cmp.Or(r.Lifetime, defaultLifetime) }

// wider says in which way t is good for more than r asks for; empty means that
// it is not.
func (r V3Request) wider(t V3Token) string {
	switch {
	case !r.AnyLifetime && t.Lifetime == 0:
		return "it lives for ever"
	case !r.AnyLifetime && t.Lifetime > r.lifetime():
		return fmt.Sprintf("it lives for %v", t.Lifetime)
	case t.Cluster != r.Cluster:
		return "it is good for other clusters"
	}
	return ""
}

// fault returns what is wrong with what a call for r has made: it cannot be read,
// or is good for more than was asked for; nil if nothing is.
func (r V3Request) fault(a *answer, t v3Record, err error) *Error {
	if err == nil && t.secret.IsZero() {
		err = errors.New("the secret is missing")
	}
	if err != nil {
		return a.unreadable(err)
	}
	return a.wider(r.wider(t.V3Token))
}

// wider returns the error of something that is good for more than was asked for,
// in a way; nil if that is empty.
func (a *answer) wider(way string) *Error {
	if way == "" {
		return nil
	}
	return &Error{Op: a.op, From: a.from, Status: a.status, Saw: way, Err: ErrWider}
}

// discard deletes what was made and is not wanted, and adds to the error what
// comes of that. What is the kind of thing it is.
func discard(ctx context.Context, what, name string, failed *Error, remove func(ctx context.Context, name string) error) error {
	if !isName(name) {
		return failed
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), defaultTimeout)
	defer cancel()
	if remove(ctx, name) != nil {
		failed.Remedy = "delete the " + what + " " + name + ", which was made and is there still"
	} else {
		failed.Saw += "; it has been deleted again"
	}
	return failed
}
