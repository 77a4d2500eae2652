package rancher

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/internal/foreign"
	"github.com/tokenlife/tokenlife/token"
)

// Probe asks whether a token is good, and whom it speaks for, by asking who the
// user is (GET /v3/users?me=true). Nothing is changed by that but the token's
// lastUsedAt.
//
// A token that is confined to a cluster is refused there like a dead one.
func (c *V3) Probe(ctx context.Context, tok token.Secret) (Probe, error) {
	return c.probe(ctx, tok, "")
}

// probe is Probe for a token that is confined to a cluster, if that is not
// empty: it is asked for that cluster, and its user stays unknown.
func (c *V3) probe(ctx context.Context, tok token.Secret, cluster string) (Probe, error) {
	cl := call{op: "probe a token", method: http.MethodGet, path: "/v3/users?me=true"}
	if cluster != "" {
		if err := checkName("cluster", cluster); err != nil {
			return Probe{}, cl.fail(err)
		}
		cl.path = "/v3/clusters/" + cluster
	}
	var a *answer
	var err error
	if tok.IsZero() {
		if a, err = c.Server.do(ctx, cl); err == nil {
			err = v3Check(a)
		}
	} else {
		a, err = c.with(ctx, token.Token{Value: tok}, cl)
	}
	switch {
	case errors.Is(err, ErrNotAuthenticated):
		return Probe{Err: ErrNotAuthenticated}, nil
	case a != nil && a.header.Get(cattleAuth) == "true" && (errors.Is(err, ErrForbidden) || errors.Is(err, ErrNotFound)):
		return Probe{Live: true}, nil // it is good, and may not see that
	case err != nil:
		return Probe{}, err
	case cluster != "":
		if err := readID(a, cluster); err != nil {
			return Probe{}, a.unreadable(err)
		}
		return Probe{Live: true}, nil
	}
	user, err := readUser(a)
	if err != nil {
		return Probe{}, a.unreadable(err)
	}
	return Probe{Live: true, User: user}, nil
}

// readUser reads a list with one user in it.
func readUser(a *answer) (User, error) {
	var u User
	r := a.reader()
	for name := range r.Object() {
		if name != "data" {
			continue
		}
		if !isArray(&r) {
			continue
		}
		for i := range r.Array() {
			if i > 0 || !isObject(&r) {
				continue
			}
			for name := range r.Object() {
				switch name {
				case "id":
					u.ID = text(&r)
				case "username":
					u.Login = foreign.Brief(text(&r), 200)
				case "name":
					u.Name = foreign.Brief(text(&r), 200)
				case "principalIds":
					if !isArray(&r) {
						continue
					}
					for range r.Array() {
						u.addPrincipal(text(&r))
					}
				}
			}
		}
	}
	if err := r.End(); err != nil {
		return User{}, err
	}
	if u.ID == "" {
		return User{}, errors.New("data: there is no user in it")
	}
	return u, nil
}

// addPrincipal adds one of those that a user is known by, such as
// "local://user-abcde" or "openldap_user://uid=jane". The first that is not the
// local one, which each user has, counts.
func (u *User) addPrincipal(principal string) {
	provider, _, ok := strings.Cut(principal, "://")
	if !ok || provider == "" || !only(provider, "abcdefghijklmnopqrstuvwxyz_") {
		return
	}
	if u.Principal == "" || strings.HasPrefix(u.Principal, "local://") {
		provider, _, _ = strings.Cut(provider, "_")
		u.Principal, u.Provider = principal, provider
	}
}

// readID reads the resource that has an id, and nothing else of it.
func readID(a *answer, id string) error {
	got := ""
	r := a.reader()
	for name := range r.Object() {
		if name == "id" {
			got = text(&r)
		}
	}
	if err := r.End(); err != nil {
		return err
	}
	if got != id {
		return errors.New("id: it is not what was asked for")
	}
	return nil
}
