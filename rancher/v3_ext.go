package rancher

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// CreateExt makes a token of ext.cattle.io with the one that authorizes the call.
// Its secret is in the [token.Token], begins with "ext/", and is not to be had
// again.
//
// It is used as those of [V3.Create] are, and the server shortens it by the same
// setting: what is granted is never more than was asked. It differs in that
// administrators can list and delete it, and in that it stays dead after its user
// was disabled. An error that matches [ErrNotFound] says from which version on a
// server has them.
func (c *V3) CreateExt(ctx context.Context, r V3Request) (token.Token, V3Token, error) {
	req := call{op: "create an ext token", method: http.MethodPost, path: extTokens.path("")}
	var err error
	if req.body, err = r.extBody(); err != nil {
		return token.Token{}, V3Token{}, req.fail(err)
	}
	a, err := c.ext(ctx, extTokens, req)
	if err != nil {
		return token.Token{}, V3Token{}, err
	}
	t, err := parseExt(a)
	if failed := r.fault(a, t, err); failed != nil {
		return token.Token{}, V3Token{}, discard(ctx, "ext token", t.Name, failed, c.DeleteExt)
	}
	made := t.token(a)
	t.ExpiresIn = made.ExpiresIn
	return made, t.V3Token, nil
}

// extBody returns the body of a request as ext.cattle.io wants it, where for ever
// is -1.
func (r V3Request) extBody() (string, error) {
	if _, err := r.body(time.Millisecond); err != nil {
		return "", err
	}
	spec := struct {
		Description string `json:"description"`
		ClusterName string `json:"clusterName,omitempty"`
		TTL         int64  `json:"ttl"`
	}{ClusterName: r.Cluster, TTL: -1}
	if !r.AnyLifetime {
		spec.TTL = r.lifetime().Milliseconds()
	}
	spec.Description, _ = describe(r.Description) // body has done so
	return extBody("Token", "", spec), nil
}

// ExtTokens lists the user's tokens of ext.cattle.io, expired ones among them. An
// administrator gets those of all users.
func (c *V3) ExtTokens(ctx context.Context) ([]V3Token, error) {
	a, err := c.ext(ctx, extTokens, call{op: "list the ext tokens", method: http.MethodGet, path: extTokens.path(""), most: longestList})
	if err != nil {
		return nil, err
	}
	tokens, err := parseExts(a)
	if err != nil {
		return nil, a.unreadable(err)
	}
	return tokens, nil
}

// GetExt returns one of the user's tokens of ext.cattle.io. The "ext/" that its
// secret begins with may be left on its name.
func (c *V3) GetExt(ctx context.Context, name string) (V3Token, error) {
	req := call{op: "read an ext token", method: http.MethodGet}
	name, err := extTokens.lookup(name)
	if err != nil {
		return V3Token{}, req.fail(err)
	}
	req.op, req.path = "read ext token "+name, extTokens.path(name)
	a, err := c.ext(ctx, extTokens, req)
	if err != nil {
		return V3Token{}, err
	}
	t, err := parseExt(a)
	if err == nil && t.Name != name {
		err = errors.New("metadata.name: it is another token's")
	}
	if err != nil {
		return V3Token{}, a.unreadable(err)
	}
	return t.V3Token, nil
}

// DeleteExt revokes a token of ext.cattle.io. One that is gone already is no
// error. The "ext/" that its secret begins with may be left on its name.
func (c *V3) DeleteExt(ctx context.Context, name string) error {
	return c.deleteExt(ctx, extTokens, name)
}
