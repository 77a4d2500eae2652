package refresh

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// Exchange trades a refresh token for a new pair.
//
// The error matches [token.ErrInvalid] if the refresh token is refused, and is a
// [*ReuseError] if it was used before; its family is then revoked. Any other
// error means that the client may try again with the same refresh token; it is
// an [*ExchangeError] unless a field of the Issuer is missing.
func (i *Issuer) Exchange(ctx context.Context, r Request) (Pair, error) {
	pair, _, err := i.exchange(ctx, r)
	return pair, err
}

// An exchange is one call of Exchange.
type exchange struct {
	*Issuer
	request   Request
	token     refreshToken
	key       string    // of the family
	presented time.Time // when the token was

	row   familyRow // as it was last read
	epoch int64     // of the subject
	dated bool      // whether epoch was read

	grant  Grant       // what is granted now
	access token.Token // once it is minted
	nonce  [16]byte

	// raced means that the token was the current one when it was presented. If
	// it is so no longer, somebody presented it at the same time.
	raced bool

	// told means that OnAudit knows already why there is no pair.
	told bool
}

// exchange is Exchange, which also returns what was granted.
func (i *Issuer) exchange(ctx context.Context, r Request) (Pair, Grant, error) {
	if err := i.usable(); err != nil {
		i.audit(ctx, Audit{Kind: AuditFailed, Client: r.Client, Err: err})
		return Pair{}, Grant{}, err
	}
	x := exchange{Issuer: i, request: r, presented: i.now()}
	var err error
	if x.token, err = i.decode(ctx, r.Refresh); err != nil {
		if !isRefusal(err) {
			err = undecided(Transient, soon, err)
			i.audit(ctx, Audit{Kind: AuditFailed, Client: r.Client, Err: err})
		}
		return Pair{}, Grant{}, err
	}
	x.key = familyKey(&x.token)
	pair, err := x.run(ctx)
	if err != nil {
		if !isRefusal(err) && !x.told {
			x.tell(ctx, AuditFailed, err)
		}
		return Pair{}, Grant{}, err
	}
	return pair, x.grant, nil
}

// tell tells OnAudit.
func (x *exchange) tell(ctx context.Context, kind AuditKind, err error) {
	if x.OnAudit == nil {
		return
	}
	x.audit(ctx, Audit{
		Kind: kind, Session: sessionOf(x.key), Subject: x.row.grant.Subject, Client: x.request.Client,
		Presented: x.token.generation, Current: x.row.generation, Err: err,
	})
}

// run looks at the family, and does what is to be done, until nobody else has
// written in between.
func (x *exchange) run(ctx context.Context) (Pair, error) {
	raw, err := x.read(ctx)
	if err != nil {
		return Pair{}, undecided(Transient, soon, err)
	}
	for range maxTries {
		if raw == nil {
			return Pair{}, fmt.Errorf("%w: nothing is known of the refresh token's session: log in again", token.ErrRevoked)
		}
		if x.row, err = decodeRow(raw); err != nil {
			return Pair{}, undecided(Transient, soon, foreign("a family", err))
		}
		if x.Subjects && !x.dated {
			if _, x.epoch, err = x.Issuer.epoch(ctx, subjectKey(subjectName(x.row.grant.Subject))); err != nil {
				return Pair{}, undecided(Transient, soon, err)
			}
			x.dated = true
		}
		if err := x.mayAsk(ctx); err != nil {
			return Pair{}, err
		}
		if err := x.isGood(); err != nil {
			return Pair{}, err
		}
		switch x.use() {
		case useFirst:
			if err := x.isFresh(); err != nil {
				return Pair{}, err
			}
			if x.written() {
				return x.answer(ctx)
			}
			pair, seen, done, err := x.rotate(ctx, raw)
			if err != nil || done {
				return pair, err
			}
			raw = seen
		case useRepeated:
			if err := x.isFresh(); err != nil {
				return Pair{}, err
			}
			return x.repeat(ctx)
		case useBeaten:
			return Pair{}, undecided(Transient, soon, errors.New("refresh: Issuer: the refresh token was exchanged more than once while this exchange waited for the Store: try again"))
		case useReused:
			return Pair{}, x.reuse(ctx, raw)
		}
	}
	return Pair{}, undecided(Transient, soon, errors.New("refresh: Issuer: others exchange the same refresh token all the time: try again"))
}

// read reads the family, and the epoch of its subject at the same time if the
// token says which that is.
func (x *exchange) read(ctx context.Context) ([]byte, error) {
	epoch := func() (int64, error) { return 0, nil }
	if x.Subjects {
		var name [16]byte
		if name, x.dated = x.seenSubject(ctx, x.token); x.dated {
			epoch = x.epochLater(ctx, subjectKey(name))
		}
	}
	raw, err := x.get(ctx, x.key)
	if err != nil {
		err = foreign("the family could not be read", err)
	}
	var epochErr error
	if x.epoch, epochErr = epoch(); err == nil {
		err = epochErr
	}
	return raw, err
}

// mint has the access token minted, once.
func (x *exchange) mint(ctx context.Context) (err error) {
	if x.access.IsZero() {
		x.access, err = x.Issuer.mint(ctx, x.grant)
	}
	return err
}

// rotate makes the next token the current one. If it is not done and there is no
// error either, somebody else wrote in between, and seen is what.
func (x *exchange) rotate(ctx context.Context, raw []byte) (pair Pair, seen []byte, done bool, err error) {
	if err := x.mint(ctx); err != nil {
		return Pair{}, nil, false, undecided(Transient, token.RetryAfter(err), err)
	}
	if x.nonce == [16]byte{} {
		rand.Read(x.nonce[:])
	}
	next := x.row
	next.nonce = x.nonce
	next.counter++
	next.rotated = x.now() // Mint may have taken a while
	next.generation = x.token.generation
	if !next.grant.NoRotation {
		next.generation++
	}
	pair, err = x.pair(ctx, x.token.family, &next, x.access, next.rotated)
	if err != nil {
		return Pair{}, nil, false, undecided(Transient, soon, err)
	}
	encoded := next.encode()
	if ok, err := x.swap(ctx, x.key, raw, encoded, x.expires(&next)); !ok || err != nil {
		if seen, done, err = x.settled(ctx, raw, encoded, err); !done {
			return Pair{}, seen, false, err
		}
	}
	if x.token.generation > x.row.generation {
		x.tell(ctx, AuditStoreLost, nil)
	}
	return pair, nil, true, nil
}

// settled returns what became of the Swap of raw for next, which said false or
// cause. If it was not done and there is no error, seen is what somebody else
// wrote.
func (x *exchange) settled(ctx context.Context, raw, next []byte, cause error) (seen []byte, done bool, err error) {
	var f fate
	var found []byte
	var last error
	i, key, row := x.Issuer, x.key, x.row
	if err := detached(ctx, func(ctx context.Context) {
		f, found, last = i.settle(ctx, key, raw, row, next)
	}); err != nil {
		return nil, false, undecided(Unknown, soon, foreign("nobody knows yet whether the exchange was made", err))
	}
	switch f {
	case fateLanded:
		return nil, true, nil
	case fateOvertaken:
		return found, false, nil
	case fateUndone:
		if cause == nil {
			cause = errors.New("the Store refused the write, and had no other value")
		}
		return nil, false, undecided(Transient, soon, foreign("the exchange was not made", cause))
	}
	return nil, false, undecided(Unknown, soon, foreign("nobody knows whether the exchange was made", last))
}

// repeat answers as the exchange did that spent the token.
func (x *exchange) repeat(ctx context.Context) (Pair, error) {
	if wait := x.repeats.take(x.key, x.now(), x.grace()); wait > 0 {
		return Pair{}, undecided(Transient, wait, fmt.Errorf("refresh: Issuer: the same refresh token was presented too often: try again in %v", wait.Round(time.Millisecond)))
	}
	pair, err := x.answer(ctx)
	if err == nil {
		x.tell(ctx, AuditGrace, nil)
	}
	return pair, err
}

// answer returns the pair of the family as it is, without a write.
func (x *exchange) answer(ctx context.Context) (Pair, error) {
	if err := x.mint(ctx); err != nil {
		return Pair{}, undecided(Transient, token.RetryAfter(err), err)
	}
	pair, err := x.pair(ctx, x.token.family, &x.row, x.access, x.now())
	if err != nil {
		return Pair{}, undecided(Transient, soon, err)
	}
	return pair, nil
}

// written reports whether somebody has written already what is to be written:
// without rotation, that the token was used now.
func (x *exchange) written() bool {
	return x.row.grant.NoRotation && x.row.rotated.UnixMilli() >= x.presented.UnixMilli()
}
