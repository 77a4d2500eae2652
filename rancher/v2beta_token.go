package rancher

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tokenlife/tokenlife/internal/foreign"
	"github.com/tokenlife/tokenlife/token"
)

// A v2betaToken is the resource token of 1.6, as it is on the wire: of a login,
// and of the question whether there is one. What nothing here depends on is
// left as it came.
type v2betaToken struct {
	ID           json.RawMessage `json:"id"`
	Type         string          `json:"type"`
	Links        json.RawMessage `json:"links"`
	BaseType     json.RawMessage `json:"baseType"`
	ActionLinks  json.RawMessage `json:"actionLinks"`
	AccountID    *string         `json:"accountId"`
	AuthProvider *string         `json:"authProvider"`
	Code         json.RawMessage `json:"code"`
	Enabled      json.RawMessage `json:"enabled"`
	JWT          *token.Secret   `json:"jwt"`

	OriginalLogin json.RawMessage `json:"originalLogin"`
	RedirectURL   *string         `json:"redirectUrl"`
	Security      *bool           `json:"security"`
	User          *string         `json:"user"`
	UserIdentity  *v2betaIdentity `json:"userIdentity"`
	UserType      *string         `json:"userType"`
}

// A v2betaIdentity is who somebody is to the provider of access control.
type v2betaIdentity struct {
	ExternalID     *string         `json:"externalId"`
	ProfilePicture json.RawMessage `json:"profilePicture"`
	Name           *string         `json:"name"`
	ExternalIDType *string         `json:"externalIdType"`
	ProfileURL     json.RawMessage `json:"profileUrl"`
	Login          *string         `json:"login"`
	Role           json.RawMessage `json:"role"`
	ProjectID      json.RawMessage `json:"projectId"`
	User           json.RawMessage `json:"user"`
	All            json.RawMessage `json:"all"`
	ID             *string         `json:"id"`
}

// parseV2BetaToken reads the answer to a login.
func parseV2BetaToken(a *answer) (v2betaToken, error) {
	var t v2betaToken
	if err := a.decode(&t); err != nil {
		return v2betaToken{}, err
	}
	if t.Type != "token" {
		return v2betaToken{}, errors.New("it is not of the type token")
	}
	return t, nil
}

// parseV2BetaTokens reads the answer to the question whether there is a token,
// which is a collection of one.
func parseV2BetaTokens(a *answer) (v2betaToken, error) {
	var list struct {
		Type string        `json:"type"`
		Data []v2betaToken `json:"data"`
	}
	if err := a.decode(&list); err != nil {
		return v2betaToken{}, err
	}
	if list.Type != "collection" || len(list.Data) != 1 || list.Data[0].Type != "token" {
		return v2betaToken{}, errors.New("it is not a collection of one token")
	}
	return list.Data[0], nil
}

// isLive reports whether t is the answer about a token that is good.
func (t v2betaToken) isLive() bool { return t.JWT != nil && !t.JWT.IsZero() }

// isOpen reports whether access control is off.
func (t v2betaToken) isOpen() bool { return t.Security != nil && !*t.Security }

// hasProvider reports whether there is a provider of access control, without
// which no token counts.
func (t v2betaToken) hasProvider() bool {
	return line(t.AuthProvider) != "" && !strings.EqualFold(*t.AuthProvider, "none")
}

// decode reads the answer's body into v, if there is one way to read it. Nothing
// of the body is in the error.
func (a *answer) decode(v any) error {
	r := a.reader()
	r.Skip()
	if err := r.End(); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		name := "something in it"
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
			name = wrong.Field
		}
		return errors.New(name + " is not of the kind that it should be")
	}
	return nil
}

// who returns whom t speaks for.
func (t v2betaToken) who() User {
	identity := t.UserIdentity
	if identity == nil {
		identity = new(v2betaIdentity)
	}
	u := User{
		ID:        identifier(t.AccountID),
		Login:     line(identity.Login),
		Name:      line(identity.Name),
		Principal: identifier(identity.ID),
		Provider:  line(t.AuthProvider),
		Kind:      line(t.UserType),
	}
	if u.Login == "" {
		u.Login = line(t.User)
	}
	if u.ID == "" && line(identity.ExternalIDType) == "rancher_id" {
		// A probe leaves out the account, which a local identity names too.
		u.ID = identifier(identity.ExternalID)
	}
	return u
}

// value returns what s points to, if to anything.
func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// line returns what s points to, as a line that is short enough to be shown.
func line(s *string) string { return foreign.Brief(value(s), 200) }

// identifier returns what s points to, if that is a line. Half of it would be
// somebody else's: it is the whole or nothing.
func identifier(s *string) string {
	if id := value(s); foreign.Brief(id, 1024) == id {
		return id
	}
	return ""
}

// v2betaText returns the text of a token as a cookie carries it, or an error if
// none can. The word Bearer before it is left off: a server that was sent it
// repeats it, and looks for a token to revoke under the whole of what it is sent.
func v2betaText(tok token.Secret) (string, error) {
	text := strings.TrimSpace(tok.Reveal())
	if scheme, rest, _ := strings.Cut(text, " "); strings.EqualFold(scheme, "bearer") {
		text = strings.TrimSpace(rest)
	}
	switch {
	case text == "":
		return "", errors.New("the token is empty")
	case len(text) > longestV2BetaToken:
		return "", fmt.Errorf("the token is longer than the %d bytes that a token of 1.6 may have", longestV2BetaToken)
	}
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' || strings.IndexByte(`",;\`, c) >= 0 {
			return "", errors.New("the token has a character in it that no token of 1.6 has")
		}
	}
	return text, nil
}

// longestV2BetaToken is what a header has room for. A token has 40 bytes; what
// stands behind it, which is taken in its place, has some two thousand.
const longestV2BetaToken = 16 << 10
