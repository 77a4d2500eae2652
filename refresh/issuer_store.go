package refresh

import (
	"context"
	"errors"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
)

const (
	// maxTries bounds how often a row is looked at again because somebody else
	// wrote it in between.
	maxTries = 8

	// settleTime is how long it may take to find out what became of a write, or
	// to end a family. It does not end with who asked for it.
	settleTime = 5 * time.Second

	// storeMargin is how much longer than it is good a row is kept. The Store's
	// clock need not be ours.
	storeMargin = time.Minute
)

// get reads a row. A Store that panics has failed.
func (i *Issuer) get(ctx context.Context, key string) (raw []byte, err error) {
	returned := false
	defer func() {
		if !returned {
			err = panics.Error("Issuer.Store", recover())
		}
	}()
	raw, err = i.Store.Get(ctx, key)
	returned = true
	if err == nil && raw != nil && len(raw) == 0 {
		err = errors.New("the Store has an empty value, which none must be")
	}
	return raw, err
}

// swap writes a row. A Store that panics has failed.
func (i *Issuer) swap(ctx context.Context, key string, old, new []byte, expires time.Time) (ok bool, err error) {
	returned := false
	defer func() {
		if !returned {
			ok, err = false, panics.Error("Issuer.Store", recover())
		}
	}()
	ok, err = i.Store.Swap(ctx, key, old, new, expires)
	returned = true
	return ok, err
}

// expires returns when the Store may drop r.
func (i *Issuer) expires(r *familyRow) time.Time {
	at := i.goodUntil(r)
	if at.IsZero() {
		return at
	}
	if i.Now != nil {
		// As long from now as it is by the Issuer's clock, which a test may have
		// set anywhere.
		at = time.Now().Add(at.Sub(i.Now()))
	}
	return at.Add(i.grace()).Add(storeMargin)
}
