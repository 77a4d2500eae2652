package rancher

import (
	"errors"
	"fmt"

	"github.com/tokenlife/tokenlife/internal/strictjson"
	"github.com/tokenlife/tokenlife/token"
)

// parseExt reads an answer that is one token of ext.cattle.io. The secret is
// there only when it has just been made. What can be read of one that is not
// right is returned as well, so that it can be deleted.
func parseExt(a *answer) (v3Record, error) {
	r := a.reader()
	t := readExt(&r)
	if err := r.End(); err != nil {
		return v3Record{}, placed(err)
	}
	t.ExpiresIn = t.left(a)
	return t, t.checkExt()
}

// parseExts reads a list of them.
func parseExts(a *answer) ([]V3Token, error) {
	tokens, found := []V3Token{}, false
	var wrong error
	r := a.reader()
	for name := range r.Object() {
		switch name {
		case "metadata":
			if member(&r, "continue") != "" {
				wrong = errors.New("it is only the beginning of a list, though all of it was asked for")
			}
		case "items":
			found = true
			if !isArray(&r) {
				continue
			}
			for i := range r.Array() {
				t := readExt(&r)
				t.ExpiresIn = t.left(a)
				if err := t.checkExt(); err != nil && r.Err() == nil && wrong == nil {
					wrong = fmt.Errorf("items[%d]: %w", i, err)
				}
				tokens = append(tokens, t.V3Token)
			}
		}
	}
	switch err := r.End(); {
	case err != nil:
		return nil, placed(err)
	case wrong != nil:
		return nil, wrong
	case !found:
		return nil, errors.New("items: missing")
	}
	return tokens, nil
}

// readExt reads a token of ext.cattle.io.
func readExt(r *strictjson.Reader) (t v3Record) {
	t.Ext, t.Enabled, t.Derived = true, true, true
	value := ""
	for part := range r.Object() {
		if part != "metadata" && part != "spec" && part != "status" || !isObject(r) {
			continue
		}
		for name := range r.Object() {
			switch part + "." + name {
			case "metadata.name":
				t.Name = text(r)
			case "metadata.creationTimestamp":
				t.Created = instant(r)
			case "spec.userID":
				t.UserID = text(r)
			case "spec.userPrincipal":
				t.Provider = member(r, "provider")
			case "spec.kind":
				t.Derived = text(r) != "session"
			case "spec.description":
				t.Description = text(r)
			case "spec.clusterName":
				t.Cluster = text(r)
			case "spec.enabled":
				t.Enabled = boolean(r, true) // null is enabled
			case "spec.ttl":
				var ms int64
				if ms, t.hasLifetime = whole(r); ms > 0 { // less is for ever
					t.Lifetime = milliseconds(ms)
				}
			case "status.bearerToken":
				t.secret = token.NewSecret(text(r))
			case "status.value":
				value = text(r)
			case "status.current":
				t.Current = boolean(r, false)
			case "status.expired":
				t.Expired = boolean(r, false)
			case "status.expiresAt":
				t.ExpiresAt = instant(r)
			case "status.lastUsedAt":
				t.LastUsed = instant(r)
			case "status.lastActivitySeen":
				t.LastActive = instant(r)
			}
		}
	}
	t.end()
	if t.secret.IsZero() && value != "" {
		t.secret = token.NewSecret("ext/" + t.Name + ":" + value)
	}
	return t
}

// checkExt reports what is missing or wrong in a token of ext.cattle.io.
func (t *v3Record) checkExt() error {
	switch {
	case !isName(t.Name):
		return errors.New("metadata.name: missing, or no name")
	case !t.hasLifetime:
		return errors.New("spec.ttl: missing, or no number")
	case t.secret.IsZero():
		return nil
	}
	if b, err := parseBearer(t.secret.Reveal()); err != nil || !b.Ext || b.Name != t.Name {
		return errors.New("status.bearerToken: it is not of the form ext/name:secret")
	}
	return nil
}

// placed returns err with the name of the part of a thing that it is in.
func placed(err error) error {
	return strictjson.Placed(err, "metadata", "spec", "status", "items")
}
