package refresh

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/tokenlife/tokenlife/token"
)

// Revoke ends the family of a refresh token, as on logout; any of its refresh
// tokens will do, spent ones too. A token that is unknown, or ended already, is
// no error (RFC 7009, section 2.2), one that is bound to another client is: it
// matches [token.ErrInvalid], and nothing is ended. Scope and Confirm do not
// matter. Any other error means that the family may not have ended.
func (i *Issuer) Revoke(ctx context.Context, r Request) error {
	if err := i.usable(); err != nil {
		i.audit(ctx, Audit{Kind: AuditFailed, Client: r.Client, Err: err})
		return err
	}
	t, err := i.decode(ctx, r.Refresh)
	switch {
	case err != nil && isRefusal(err):
		return nil
	case err != nil:
		err = undecided(Transient, soon, err)
		i.audit(ctx, Audit{Kind: AuditFailed, Client: r.Client, Err: err})
		return err
	}
	x := exchange{Issuer: i, request: r, token: t, key: familyKey(&t)}
	if err := x.revoke(ctx); err != nil {
		if !isRefusal(err) {
			x.tell(ctx, AuditFailed, err)
		}
		return err
	}
	return nil
}

// revoke ends the family of x.token.
func (x *exchange) revoke(ctx context.Context) error {
	raw, err := x.get(ctx, x.key)
	if err != nil {
		return undecided(Transient, soon, foreign("the family could not be read", err))
	}
	if raw == nil {
		return nil
	}
	if x.row, err = decodeRow(raw); err != nil {
		return undecided(Transient, soon, foreign("a family", err))
	}
	if x.row.grant.Client != x.request.Client {
		x.tell(ctx, AuditClient, nil)
		return fmt.Errorf("%w: the refresh token is bound to another client", token.ErrInvalid)
	}
	i, key := x.Issuer, x.key
	var last error
	if err := detached(ctx, func(ctx context.Context) {
		_, last = i.finish(ctx, key, raw, endLogout)
	}); err != nil {
		return undecided(Transient, soon, foreign("the session is not ended yet", err))
	}
	if last != nil {
		return undecided(Transient, soon, last)
	}
	return nil
}

// reuse ends the family, whatever becomes of who presented the token.
func (x *exchange) reuse(ctx context.Context, raw []byte) error {
	reuse := x.reuseError()
	y := *x // for what goes on if this returns early
	var err error
	left := detached(ctx, func(ctx context.Context) {
		var ours bool
		ours, err = y.finish(ctx, y.key, raw, endReuse)
		if ours || err != nil {
			y.tell(ctx, AuditReuse, err)
		}
	})
	switch {
	case left != nil:
		return undecided(Transient, soon, foreign("the refresh token was used before, and its session is not ended yet", left))
	case err != nil:
		x.told = true
		return undecided(Transient, soon, err)
	}
	return reuse
}

func (x *exchange) reuseError() *ReuseError {
	return &ReuseError{
		Session: sessionOf(x.key), Subject: x.row.grant.Subject, Client: x.row.grant.Client,
		Presented: x.token.generation, Current: x.row.generation,
	}
}

// finish writes into the row of a family how it ended, and reports whether it
// was this call that did. Seen is the row as it was read last. A family that is
// gone, or has ended otherwise, is finished.
func (i *Issuer) finish(ctx context.Context, key string, seen []byte, how ending) (ours bool, err error) {
	var nonce [16]byte
	rand.Read(nonce[:])
	var last error
	for try := range maxTries {
		if seen == nil {
			return false, nil
		}
		row, err := decodeRow(seen)
		if err != nil {
			return false, foreign("a family cannot be ended", err)
		}
		if row.end != endNone {
			return row.nonce == nonce, nil // one of our writes, however late
		}
		row.end = how
		row.counter += 1 + uint64(try) // no two writes are the same
		row.nonce = nonce
		ok, err := i.swap(ctx, key, seen, row.encode(), i.expires(&row))
		if ok && err == nil {
			return true, nil
		}
		if last = err; err == nil {
			last = errors.New("others write it all the time")
		}
		if seen, err = i.get(ctx, key); err != nil {
			return false, foreign("a family could not be ended", err)
		}
	}
	return false, foreign("a family could not be ended", last)
}
