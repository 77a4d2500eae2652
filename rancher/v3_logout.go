package rancher

import (
	"context"
	"errors"
	"net/http"

	"github.com/tokenlife/tokenlife/token"
)

// Logout revokes a token: that of a login, or one that was made with another.
// One that is dead already is no error. The server answers the same to one that is
// confined to a cluster, or whose user or provider is disabled, and does not
// revoke it: Delete does, with another token of that user.
func (c *V3) Logout(ctx context.Context, tok token.Secret) error {
	_, err := c.logout(ctx, tok, false)
	return err
}

// LogoutAll revokes a token as Logout does, and ends the session at the provider, which some
// demand in the place of a mere Logout. If that takes a browser, it returns the
// URL to open there: it is the server's word, so show it, and follow nothing.
func (c *V3) LogoutAll(ctx context.Context, tok token.Secret) (url string, err error) {
	return c.logout(ctx, tok, true)
}

func (c *V3) logout(ctx context.Context, tok token.Secret, all bool) (string, error) {
	const op = "log out"
	if tok.IsZero() {
		return "", call{op: op}.fail(errors.New("the token is empty"))
	}
	a, err := c.public(func(old bool) (*answer, error) {
		path := "/v1/logout"
		switch {
		case old && all:
			path = "/v3/tokens?action=logoutAll"
		case old:
			path = "/v3/tokens?action=logout"
		case all:
			path += "?all"
		}
		a, err := c.with(ctx, token.Token{Value: tok}, call{op: op, method: http.MethodPost, path: path, body: "{}"})
		if a == nil || errors.Is(err, ErrNotAuthenticated) {
			return nil, err
		}
		return a, nil
	})
	if err == nil {
		err = v3Check(a)
	}
	switch e, _ := errors.AsType[*Error](err); {
	case errors.Is(err, ErrNotAuthenticated):
		return "", nil
	case e != nil && e.Status == http.StatusInternalServerError && c.endExt(ctx, tok):
		return "", nil
	case e != nil && e.Status == http.StatusInternalServerError && !all:
		e.Remedy = "if the provider demands a logout there as well, use LogoutAll"
	}
	if err != nil {
		return "", err
	}
	return readRedirect(a)
}

// endExt has a token of ext.cattle.io delete itself, which before 2.15 no logout
// knew. It reports whether it is gone.
func (c *V3) endExt(ctx context.Context, tok token.Secret) bool {
	b, err := parseBearer(tok.Reveal())
	if err != nil || !b.Ext {
		return false
	}
	a, err := c.with(ctx, token.Token{Value: tok}, call{op: "log out", method: http.MethodDelete, path: extTokens.path(b.Name)})
	err = extTokens.explain(a, err)
	_, absent := errors.AsType[absentError](err)
	return err == nil || errors.Is(err, ErrNotFound) && !absent
}

// readRedirect reads where a browser has to go.
func readRedirect(a *answer) (string, error) {
	if a.body == "" {
		return "", nil
	}
	var to string
	r := a.reader()
	for name := range r.Object() {
		if name == "idpRedirectUrl" {
			to = text(&r)
		}
	}
	if err := r.End(); err != nil {
		return "", a.unreadable(err)
	}
	if to != browsable(to) {
		return "", a.unreadable(errors.New("idpRedirectUrl: no URL of a page"))
	}
	return to, nil
}
