package rancher

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/refresh"
)

// storeTimeout bounds one call of the Store.
const storeTimeout = 10 * time.Second

// store returns the Store to use.
func (s *V3Source) store() refresh.Store {
	if s.Store == nil {
		return &s.memory
	}
	return s.Store
}

// recordKey is where the record is. The Rotator's pair is beside it, below
// "pair/". A chain for a cluster has its own: whoever wants tokens for one only
// must not be handed one for all, because it was called the same once.
func (s *V3Source) recordKey() string {
	if s.Cluster == "" {
		return "rancher/" + s.Key
	}
	return "rancher/" + s.Key + "@" + s.Cluster
}

// load reads the record. One that is not there yet is empty.
func (s *V3Source) load(ctx context.Context) (rec v3Chain, raw []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err = panics.Call("Store", func() (err error) {
		raw, err = s.store().Get(ctx, s.recordKey())
		return err
	})
	if err != nil {
		return v3Chain{}, nil, fmt.Errorf("rancher: reading the Store: %w", err)
	}
	if raw == nil {
		return v3Chain{}, nil, nil
	}
	if rec, err = decodeV3Chain(raw); err != nil {
		return v3Chain{}, nil, fmt.Errorf("rancher: the value under %.80q in the Store %w", s.recordKey(), err)
	}
	return rec, raw, nil
}

// maxWrites is how often a write is tried while others get in between.
const maxWrites = 4

// save changes the record, and returns it as it then is. Change may be called
// more than once, each time with what is stored.
//
// That the Store says no, or fails, proves nothing: what lies between may have
// repeated a write that had landed. The nonce of what is there tells.
func (s *V3Source) save(ctx context.Context, change func(*v3Chain) error) (v3Chain, error) {
	rec, raw, err := s.load(ctx)
	for range maxWrites {
		if err != nil {
			return v3Chain{}, err
		}
		next := rec.clone()
		if err := change(&next); err != nil {
			return v3Chain{}, err
		}
		next.Nonce = rand.Text()
		failed := s.swap(ctx, raw, next)
		if failed == nil {
			return next, nil
		}
		before := rec.Nonce
		if rec, raw, err = s.load(ctx); err != nil {
			return v3Chain{}, failed
		}
		switch rec.Nonce {
		case next.Nonce:
			return next, nil
		case before: // nobody got in between
			return v3Chain{}, failed
		}
	}
	return v3Chain{}, fmt.Errorf("rancher: writing to the Store: %w", errNotTaken)
}

var errNotTaken = errors.New("it did not take what was to be written")

func (s *V3Source) swap(ctx context.Context, old []byte, next v3Chain) error {
	raw, err := next.encode()
	if err != nil {
		return fmt.Errorf("rancher: writing to the Store: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	taken := false
	err = panics.Call("Store", func() (err error) {
		taken, err = s.store().Swap(ctx, s.recordKey(), old, raw, time.Time{})
		return err
	})
	if err == nil && !taken {
		err = errNotTaken
	}
	if err != nil {
		return fmt.Errorf("rancher: writing to the Store: %w", err)
	}
	return nil
}

func (r v3Chain) clone() v3Chain {
	r.Firsts, r.Refused, r.Made = slices.Clone(r.Firsts), slices.Clone(r.Refused), slices.Clone(r.Made)
	return r
}

// began returns when the chain began that is known by the sum of its first token;
// zero if it is not known.
func (r *v3Chain) began(chain string) time.Time {
	for _, f := range r.Firsts {
		if f.Sum == chain {
			return f.Began
		}
	}
	return time.Time{}
}

// begin has the record go on with a chain. One that is known already goes on
// where it was: neither a restart nor another chain in between makes it younger.
func (r *v3Chain) begin(chain string, now time.Time) {
	began := r.began(chain)
	if began.IsZero() {
		began = now.UTC().Truncate(time.Second)
	}
	r.Firsts = slices.DeleteFunc(r.Firsts, func(f v3First) bool { return f.Sum == chain })
	r.Firsts = append(r.Firsts, v3First{chain, began})
	r.Firsts = r.Firsts[max(0, len(r.Firsts)-maxFirsts):]
	if r.Chain != chain {
		r.Chain, r.User, r.Asked = chain, "", 0
	}
}

// How long a token is left alone that was refused. Rancher refuses good ones too
// while it cannot read what it knows of them, and so none is given up for ever.
const (
	shortestRefused = time.Minute
	longestRefused  = 10 * time.Minute
)

// refuse has a token left alone for a while, which doubles each time.
func (r *v3Chain) refuse(sum string, now time.Time) {
	wait := shortestRefused
	if i := r.dead(sum); i >= 0 {
		if before := r.Refused[i]; now.Sub(before.At) < 2*longestRefused {
			wait = min(2*time.Duration(before.Wait)*time.Second, longestRefused)
		}
		r.Refused = slices.Delete(r.Refused, i, i+1)
	}
	r.Refused = append(r.Refused, v3Dead{sum, now.UTC().Truncate(time.Second), int64(wait / time.Second)})
	r.Refused = r.Refused[max(0, len(r.Refused)-maxRefused):]
}

// refuses reports whether a token is to be left alone.
func (r *v3Chain) refuses(sum string, now time.Time) bool {
	i := r.dead(sum)
	if i < 0 {
		return false
	}
	since := now.Sub(r.Refused[i].At)
	return since >= 0 && since < time.Duration(r.Refused[i].Wait)*time.Second
}

func (r *v3Chain) dead(sum string) int {
	return slices.IndexFunc(r.Refused, func(d v3Dead) bool { return d.Sum == sum })
}

// step has the record know the name of the token that the next is made with.
func (r *v3Chain) step(name string) {
	if r.Current != name {
		r.Current, r.Previous = name, r.Current
	}
}

// intend adds the description of a token that is about to be made. Where there is
// no more room the oldest goes that the server has no token for.
func (r *v3Chain) intend(description string, live []string) error {
	if len(r.Made) >= maxMade {
		oldest := slices.IndexFunc(r.Made, func(d string) bool { return !slices.Contains(live, d) })
		if oldest < 0 {
			return errors.New("rancher: there is no room to remember another token that is made")
		}
		r.Made = slices.Delete(r.Made, oldest, oldest+1)
	}
	r.Made = append(r.Made, description)
	return nil
}
