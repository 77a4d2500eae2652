package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

const mintedLife = 10 * time.Minute

// A ledger is what everybody but the holders can know of the pairs.
type ledger struct {
	names     map[string]string // of the refresh tokens, by token
	newest    string            // name
	successor map[string]string // token, by the one it was exchanged for
	posts     map[string]int    // how often each was presented, by name
	excuses   int               // how often presenting one again was the right thing
	causes    int               // how often one may have got lost, without grace
	minted    map[string]time.Time
	access    map[string]string // the name of the pair, by access token
}

// presented notes that s has reached the issuer in the POST c, and returns its
// name. The caller holds mu.
func (l *ledger) presented(w *world, c *halt) string {
	name := c.token
	if name == "" {
		w.failed("%s presents a refresh token that nobody issued", c.by)
		return "?"
	}
	l.posts[name]++
	h := w.holder(c.by)
	if !c.left && !h.dead {
		for _, other := range w.holders {
			if o := other.flying; o != nil && other != h && !other.dead && !o.left && !o.frozen && !c.frozen && w.spent[forgets] == 0 {
				w.failed("two POSTs at once: %s and %s present refresh token %s", other.name, h.name, name)
			}
		}
		h.flying = c
	}
	if n := l.posts[name]; n > 1+l.excuses {
		w.failed("presented again: %s presents refresh token %s for the %d. time, with %d good reasons", c.by, name, n, l.excuses)
	}
	return name
}

// exchanged notes what the issuer answered. The caller holds mu.
func (l *ledger) exchanged(w *world, s token.Secret, p Pair, err error) said {
	name := l.names[s.Reveal()]
	if err != nil {
		text := "refused"
		if !errors.Is(err, token.ErrInvalid) && outcome(err) != Terminal {
			text = "could not tell"
		} else if !w.mayLose() || w.issued.causes == 0 {
			w.failed("family revoked without reuse: refresh token %s is refused: %v", name, err)
		}
		w.trace = append(w.trace, fmt.Sprintf("%8v    issuer, asked with %s: %s: %v", w.now().Round(time.Millisecond), name, text, err))
		return said{err: err, text: text}
	}
	next := p.Refresh.Value.Reveal()
	if before, ok := l.successor[s.Reveal()]; ok && before != next {
		w.failed("two live successors of refresh token %s", name)
	}
	l.successor[s.Reveal()] = next
	if l.names[next] == "" {
		l.names[next] = name + "'"
	}
	l.newest = max(l.newest, l.names[next])
	l.access[p.Access.Value.Reveal()] = l.names[next]
	w.trace = append(w.trace, fmt.Sprintf("%8v    issuer, asked with %s: pair %s", w.now().Round(time.Millisecond), name, l.names[next]))
	return said{pair: p, text: fmt.Sprint("pair ", l.names[next])}
}

// mayLose reports whether the issuer is one without grace, where a pair whose
// answer was lost is lost.
func (w *world) mayLose() bool { return w.strict || w.grace < 0 }

// mint is the Mint of the issuer.
func (w *world) mint(context.Context, Grant) (token.Token, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	value := fmt.Sprint("access-", len(w.issued.minted))
	w.issued.minted[value] = time.Now()
	return token.Token{Value: token.NewSecret(value), ExpiresIn: mintedLife}, nil
}

// realIssuer returns our Issuer, its Store being s.
func (w *world) realIssuer(s Store) *Issuer {
	return &Issuer{Mint: w.mint, Keys: exploreKeys, Store: s, Grace: w.grace, Subjects: w.subjects}
}

var exploreKeys = &seal.Keyring{Keys: []token.Secret{token.NewSecret("0123456789abcdef0123456789abcdef")}}

// A strictIssuer revokes everything when a refresh token comes a second time,
// whatever the reason. It is how node-oidc-provider does it.
type strictIssuer struct {
	w       *world
	current int
	revoked bool
}

func (i *strictIssuer) refresh(n int) token.Token {
	return token.Token{Value: token.NewSecret(fmt.Sprint("refresh-", n))}
}

func (i *strictIssuer) exchange(ctx context.Context, s token.Secret) (Pair, error) {
	if i.revoked || s.Reveal() != i.refresh(i.current).Value.Reveal() {
		i.revoked = true
		return Pair{}, &ExchangeError{Outcome: Terminal, Err: errors.New("invalid_grant")}
	}
	i.current++
	t, err := i.w.mint(ctx, Grant{})
	return Pair{t, i.refresh(i.current)}, err
}
