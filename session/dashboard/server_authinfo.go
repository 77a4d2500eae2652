package dashboard

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/internal/strictjson"
	"github.com/tokenlife/tokenlife/token"
)

// An authInfo is what a session is made of: the JSON that client-go has for a
// user, in the order in which the Dashboard writes it, and when the person logged
// in, which the Dashboard does not look at.
type authInfo struct {
	LocationOfOrigin string // always there, and empty

	Token    string `json:"token,omitempty"`
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`

	Began int64 `json:"began,omitempty"` // in seconds since 1970, as iat is cut to
}

// write returns c as it is sealed; began may be zero.
func (c Credential) write(began time.Time) token.Secret {
	info := authInfo{Token: c.Token.Reveal(), Username: c.Username, Password: c.Password.Reveal()}
	if !began.IsZero() {
		info.Began = began.Unix()
	}
	text, _ := json.Marshal(info) // texts and a number are never an error
	return token.NewSecret(string(text))
}

// readAuthInfo reads what was sealed. The names of its members are as they are
// written, and nothing else.
func readAuthInfo(sealed token.Secret) (c Credential, began time.Time, err error) {
	r := strictjson.NewReader(sealed.Reveal(), strictjson.Limits{Size: token.MaxSize})
	for name := range r.Object() {
		switch name {
		case "token":
			c.Token = token.NewSecret(readText(&r))
		case "username":
			c.Username = readText(&r)
		case "password":
			c.Password = token.NewSecret(readText(&r))
		case "began":
			began = readUnix(&r)
		}
		// It would be somebody else's rights that whoever this is gets.
		if strings.HasPrefix(name, "act-as") {
			r.Fail("an impersonation, which no login makes")
		}
	}
	if err := r.End(); err != nil {
		return Credential{}, time.Time{}, fmt.Errorf("%w: the credential in it: %v", token.ErrMalformed,
			strictjson.Placed(err, "token", "username", "password", "began"))
	}
	// Whoever acts without a credential may act as itself.
	if !c.usable() {
		return Credential{}, time.Time{}, fmt.Errorf("%w: there is neither a token in it that can be sent, nor a name and a password", token.ErrMalformed)
	}
	return c, began, nil
}

// readText reads a string, which may be null.
func readText(r *strictjson.Reader) string {
	if r.Kind() == strictjson.Null {
		r.Null()
		return ""
	}
	return r.Text()
}

// readUnix reads a time in seconds since 1970.
func readUnix(r *strictjson.Reader) time.Time {
	var seconds int64
	if err := json.Unmarshal([]byte(r.Number()), &seconds); err != nil || seconds <= 0 || seconds > maxUnix {
		r.Fail("not a number of seconds since 1970")
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

const maxUnix = 253402300799 // the end of the year 9999
