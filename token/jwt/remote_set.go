package jwt

import (
	"slices"
	"sync/atomic"
	"time"
)

// keptFor is how long after a failed fetch the old set is used without a wait
// for the next attempt.
const keptFor = time.Hour

// A published is a set as it was fetched. It does not change, but for renewing.
type published struct {
	all     []Key
	byID    map[string][]Key // by each ID there is: the keys that have it or none
	unnamed []Key            // the keys without ID

	asked time.Time     // just before the fetch
	due   time.Duration // after asked: the next fetch, in the background
	end   time.Duration // after asked: not to be used any more without a fetch

	// renewing is set by the caller that finds the set due.
	renewing atomic.Bool
}

// publish returns the set of keys, which all verify, for life.
func publish(keys Keys, asked time.Time, life time.Duration) *published {
	p := &published{all: slices.Clip(keys), asked: asked, due: life / 5 * 4, end: life, byID: make(map[string][]Key)}
	for _, k := range keys {
		if k.ID == "" {
			p.unnamed = append(p.unnamed, k)
		} else {
			p.byID[k.ID] = append(p.byID[k.ID], k)
		}
	}
	for id, named := range p.byID {
		p.byID[id] = slices.Clip(append(named, p.unnamed...))
	}
	p.unnamed = slices.Clip(p.unnamed)
	return p
}

// find returns the keys that may have been used with keyID, and whether a newer
// set could not have more of them.
func (p *published) find(keyID string) (keys []Key, known bool) {
	if keyID == "" {
		return p.all, true
	}
	if keys, known = p.byID[keyID]; known {
		return keys, true
	}
	return p.unnamed, len(p.byID) == 0
}

// kept returns p as it goes on after a fetch that failed, if the next may begin
// after pause.
func (p *published) kept(now time.Time, pause time.Duration) *published {
	left := p.end - since(p.asked, now)
	return &published{
		all: p.all, byID: p.byID, unnamed: p.unnamed,
		asked: now, due: pause, end: max(left, keptFor),
	}
}
