package refresh

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// mayAsk refuses who is not the one that the token is bound to, or asks for
// more than was granted. It says nothing of the token, and nothing is written:
// else anybody could end a session with a token that they cannot use.
func (x *exchange) mayAsk(ctx context.Context) error {
	g := x.row.grant
	scope, narrows := narrowed(g.Scope, x.request.Scope)
	switch {
	case g.Client != x.request.Client:
		x.tell(ctx, AuditClient, nil)
		return fmt.Errorf("%w: the refresh token is bound to another client", token.ErrInvalid)
	case g.Confirm != "" && g.Confirm != x.request.Confirm:
		x.tell(ctx, AuditConfirm, nil)
		return fmt.Errorf("%w: the refresh token is bound to a key, and the request does not prove to have that", token.ErrInvalid)
	case !narrows:
		x.tell(ctx, AuditScope, nil)
		return fmt.Errorf("%w: the scope asked for is more than was granted", token.ErrInvalid)
	}
	g.Session = sessionOf(x.key)
	g.Scope = scope
	if g.Confirm == "" {
		// A client that authenticates otherwise has access tokens bound to the
		// key that it proves at the time (RFC 9449, section 5).
		g.Confirm = x.request.Confirm
	}
	x.grant = g
	return nil
}

// narrowed returns the scopes asked for, and whether all of them are granted.
// None is asking for all.
func narrowed(granted, asked string) (string, bool) {
	if len(asked) > maxText {
		return "", false
	}
	isSpace := func(c rune) bool { return c == ' ' }
	want := strings.FieldsFunc(asked, isSpace)
	if len(want) == 0 {
		return granted, true
	}
	have := strings.FieldsFunc(granted, isSpace)
	for _, s := range want {
		if !slices.Contains(have, s) {
			return "", false
		}
	}
	return strings.Join(want, " "), true
}

// isGood refuses a token whose family is over.
func (x *exchange) isGood() error {
	switch {
	case x.row.grant.Epoch < x.epoch:
		return fmt.Errorf("%w: all sessions of the subject that began before were ended: log in again", token.ErrRevoked)
	case x.row.end == endReuse && x.token.generation < x.row.generation:
		return x.reuseError()
	case x.row.end == endReuse:
		return fmt.Errorf("%w: an earlier refresh token of the session was used twice: log in again", token.ErrRevoked)
	case x.row.end != endNone:
		return fmt.Errorf("%w: the session was ended: log in again", token.ErrRevoked)
	}
	return nil
}

// isFresh refuses a token that was left lying for too long.
func (x *exchange) isFresh() error {
	if until := x.goodUntil(&x.row); !until.IsZero() && !x.presented.Before(until) {
		return fmt.Errorf("%w: the refresh token was good until %s: log in again", token.ErrExpired, until.UTC().Format(time.RFC3339))
	}
	return nil
}

// A use is what presenting a token is.
type use int

const (
	useFirst    use = iota // it is the current one
	useRepeated            // it was spent a moment ago, and the answer was lost, most likely
	useBeaten              // it was spent by somebody else in this very moment, and its successor too
	useReused              // it was used before
)

func (x *exchange) use() use {
	grace := x.grace()
	switch g, current := x.token.generation, x.row.generation; {
	case g >= current:
		// More than current was issued by us, and the Store has lost that. Its
		// owner is not to blame.
		x.raced = true
		return useFirst
	case grace == 0:
		return useReused
	case g+1 == current && (x.raced || !x.presented.After(x.row.rotated.Add(grace))):
		return useRepeated
	case x.raced:
		return useBeaten
	}
	return useReused
}
