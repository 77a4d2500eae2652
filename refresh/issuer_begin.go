package refresh

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
)

// Begin starts a family for somebody who has just proved who they are. It is an
// error if the Grant has no Subject or no Client, or if what Mint returns is not
// good for twice Grace: a client that needs its whole grace would never get to
// use it. After any error nobody is logged in; none matches token.ErrInvalid.
func (i *Issuer) Begin(ctx context.Context, g Grant) (Pair, error) {
	if err := i.usable(); err != nil {
		return Pair{}, err
	}
	if err := g.check(); err != nil {
		return Pair{}, err
	}
	if i.Subjects && g.Epoch == 0 {
		var err error
		if g.Epoch, err = i.Epoch(ctx, g.Subject); err != nil {
			return Pair{}, err
		}
	}
	var family [16]byte
	rand.Read(family[:])
	t := refreshToken{family: family}
	key := familyKey(&t)
	g.Session = sessionOf(key)
	access, err := i.mint(ctx, g)
	if err != nil {
		return Pair{}, err
	}
	if access.ExpiresIn/2 < i.grace() {
		return Pair{}, fmt.Errorf("refresh: Issuer: Mint made an access token that is good for %v, less than twice the Grace of %v: let them live longer, or set a shorter Grace",
			access.ExpiresIn, i.grace())
	}
	row := familyRow{generation: 1, began: i.now(), grant: g}
	row.rotated = row.began
	rand.Read(row.nonce[:])
	pair, err := i.pair(ctx, family, &row, access, row.began)
	if err != nil {
		return Pair{}, err
	}
	encoded := row.encode()
	ok, err := i.swap(ctx, key, nil, encoded, i.expires(&row))
	if ok && err == nil {
		return pair, nil
	}
	// If it is there after all, good. If it still comes, it is a family that
	// nobody has a token of.
	if seen, getErr := i.get(ctx, key); getErr == nil && bytes.Equal(seen, encoded) {
		return pair, nil
	}
	if err == nil {
		err = errors.New("the Store refused the write, and had no other value")
	}
	return Pair{}, foreign("the login could not be stored", err)
}

// check returns an error that says what is wrong with g.
func (g *Grant) check() error {
	for _, text := range [...]struct{ name, value string }{
		{"Subject", g.Subject}, {"Client", g.Client}, {"Scope", g.Scope}, {"Audience", g.Audience}, {"Confirm", g.Confirm},
	} {
		if len(text.value) > maxText {
			return fmt.Errorf("refresh: Grant: %s has %d bytes: it must not have more than %d", text.name, len(text.value), maxText)
		}
	}
	switch {
	case g.Subject == "":
		return errors.New("refresh: Grant: Subject is missing: say who logged in")
	case g.Client == "":
		return errors.New("refresh: Grant: Client is missing: say which client the refresh token is for")
	case len(g.Data) > maxData:
		return fmt.Errorf("refresh: Grant: Data has %d bytes: it must not have more than %d", len(g.Data), maxData)
	case !isScope(g.Scope):
		return errors.New("refresh: Grant: Scope has characters that RFC 6749, section 3.3, does not allow: use visible ASCII other than quotes and backslashes, and spaces between")
	case g.NoRotation && g.Confirm == "":
		return errors.New("refresh: Grant: NoRotation without Confirm: a refresh token that is neither replaced nor bound to a key would be good for whoever copies it")
	}
	return nil
}

// isScope reports whether s is scopes with spaces between them, or none.
func isScope(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
