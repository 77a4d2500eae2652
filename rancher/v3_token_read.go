package rancher

import (
	"errors"
	"time"

	"github.com/tokenlife/tokenlife/internal/strictjson"
	"github.com/tokenlife/tokenlife/token"
)

// A v3Record is what an answer says of a token.
type v3Record struct {
	V3Token
	secret      token.Secret // only in the answer to what has made it
	principal   string
	hasLifetime bool // ttl is there: one of 0 is for ever
}

// readToken reads an answer that is one token.
func readToken(a *answer) (v3Record, error) {
	r := a.reader()
	t := readRecord(&r)
	if err := r.End(); err != nil {
		return v3Record{}, err
	}
	t.ExpiresIn = t.left(a)
	return t, t.check()
}

// readRecord reads a token.
func readRecord(r *strictjson.Reader) v3Record {
	t := v3Record{V3Token: V3Token{Enabled: true}}
	var createdTS int64
	for name := range r.Object() {
		switch name {
		case "id":
			t.Name = text(r)
		case "token":
			t.secret = token.NewSecret(text(r))
		case "userId":
			t.UserID = text(r)
		case "userPrincipal":
			t.principal = text(r)
		case "authProvider":
			t.Provider = text(r)
		case "description":
			t.Description = text(r)
		case "clusterId":
			t.Cluster = text(r)
		case "created":
			t.Created = instant(r)
		case "createdTS":
			createdTS, _ = whole(r)
		case "ttl":
			var ms int64
			if ms, t.hasLifetime = whole(r); ms > 0 {
				t.Lifetime = milliseconds(ms)
			}
		case "expiresAt":
			t.ExpiresAt = instant(r)
		case "current":
			t.Current = boolean(r, false)
		case "isDerived":
			t.Derived = boolean(r, false)
		case "expired":
			t.Expired = boolean(r, false)
		case "enabled":
			t.Enabled = boolean(r, true) // null is enabled
		case "lastUsedAt":
			t.LastUsed = instant(r)
		case "activityLastSeenAt":
			t.LastActive = instant(r)
		}
	}
	if t.Created.IsZero() && createdTS > 0 {
		t.Created = time.UnixMilli(createdTS).UTC()
	}
	t.end()
	return t
}

// end computes when a token ends, if the server does not say.
func (t *v3Record) end() {
	if t.ExpiresAt.IsZero() && !t.Created.IsZero() && t.Lifetime > 0 {
		t.ExpiresAt = t.Created.Add(t.Lifetime)
	}
}

// check reports what is missing or wrong in a token.
func (t *v3Record) check() error {
	if !isName(t.Name) {
		return errors.New("id: missing, or no name")
	}
	if t.secret.IsZero() {
		return nil
	}
	b, err := parseBearer(t.secret.Reveal())
	switch {
	case err != nil:
		return errors.New("token: " + err.Error())
	case b.Name != t.Name:
		return errors.New("token: it is not the one that id names")
	}
	return nil
}

// token returns the token that the call of an answer has made.
func (t *v3Record) token(a *answer) token.Token {
	tok := token.Token{Value: t.secret, IssuedAt: t.Created, Expiry: t.ExpiresAt, ExpiresIn: t.ExpiresIn}
	if t.Lifetime > 0 {
		// It was made after the call was.
		tok.ExpiresIn = a.counted(t.Lifetime)
	}
	return tok
}

// left returns how much is left of a token by the server's clock; 0 is not known.
func (t *v3Record) left(a *answer) time.Duration {
	date := a.date()
	if t.ExpiresAt.IsZero() || date.IsZero() {
		return 0
	}
	return a.counted(t.ExpiresAt.Sub(date))
}
