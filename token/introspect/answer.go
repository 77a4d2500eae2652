package introspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strings"

	"github.com/tokenlife/tokenlife/internal/strictjson"
	"github.com/tokenlife/tokenlife/token"
)

// An answer is what an issuer says of a token (RFC 7662, section 2.2).
type answer struct {
	active bool
	claims token.Claims // if active

	bound bool // to a key of its holder
	other bool // no access token
}

// isJSON reports what is wrong with the Content-Type of an answer.
func isJSON(contentType string) error {
	kind, _, err := mime.ParseMediaType(contentType)
	switch {
	case err != nil:
		return errors.New("it does not say that it is JSON")
	case kind == "application/json":
		return nil
	case kind == "application/token-introspection+jwt":
		return errors.New("it is a signed one (RFC 9701), which is not supported: have the server answer in JSON")
	}
	return errors.New("it is not application/json")
}

// parseAnswer reads body. No error of it matches ErrInvalid: an answer that
// cannot be read says nothing of the token.
func parseAnswer(body string) (answer, error) {
	var a answer
	said, nulls := false, false
	r := strictjson.NewReader(body, strictjson.Limits{Size: longestBody})
	for name := range r.Object() {
		if r.Kind() == strictjson.Null {
			nulls = true
			continue
		}
		switch name {
		case "active":
			a.active, said = r.Bool(), true
		case "token_type":
			a.readType(r.Text())
		case "token_use": // of Ory Hydra and Amazon Cognito
			if use := r.Text(); use != "access_token" && use != "access" {
				a.other = true
			}
		case "typ": // of Keycloak
			if r.Kind() == strictjson.String {
				switch strings.ToLower(r.Text()) {
				case "refresh", "offline", "id":
					a.other = true
				}
			}
		case "cnf": // RFC 7800
			a.bound = true
		}
	}
	if err := r.End(); err != nil {
		return answer{}, strictjson.Placed(err, "active", "token_type", "token_use")
	}
	switch {
	case !said:
		return answer{}, errors.New("active: missing")
	case !a.active:
		return answer{}, nil
	}
	if nulls {
		body = withoutNulls(body)
	}
	claims, err := token.ParseClaims([]byte(body))
	if err != nil {
		// Its text only, without the words that blame a token.
		return answer{}, errors.New(strings.TrimPrefix(err.Error(), token.ErrMalformed.Error()+": "))
	}
	a.claims = claims
	return a, nil
}

// readType reads token_type (RFC 7662, section 2.2; RFC 6749, section 7.1).
func (a *answer) readType(s string) {
	switch strings.ToLower(s) {
	case "bearer":
	case "access_token", "urn:ietf:params:oauth:token-type:access_token":
		// Some servers say here what it is for rather than how it is used.
	case "dpop", "pop":
		a.bound = true
	default:
		a.other = true
	}
}

// withoutNulls returns an object without its members that are null, by which
// some servers say that they have nothing to say.
func withoutNulls(body string) string {
	var b strings.Builder
	b.WriteByte('{')
	r := strictjson.NewReader(body, strictjson.Limits{Size: longestBody})
	for name := range r.Object() {
		if r.Kind() == strictjson.Null {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		quoted, _ := json.Marshal(name) // a string can always be
		fmt.Fprintf(&b, "%s:%s", quoted, r.Raw())
	}
	b.WriteByte('}')
	return b.String()
}
