package rancher

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// A V3Bearer is what a token of Rancher 2.x is made of: "token-7d9xk:…", or
// "ext/token-7d9xk:…" for one of ext.cattle.io.
type V3Bearer struct {
	Name string       // "token-7d9xk"; no secret
	Key  token.Secret // what stands behind the colon
	Ext  bool         // it is one of ext.cattle.io

	// JWT says that it is an access token of Rancher's own OIDC provider (2.12
	// and later). It has no Key, and its Name, which may be empty, is that of
	// the token it stands for, as it says itself.
	JWT bool
}

// ParseV3 takes a token of Rancher 2.x apart. It says nothing of whether the
// token is good: there is no checksum in it. The error says where it is at
// fault, and repeats nothing of it.
func ParseV3(tok token.Secret) (V3Bearer, error) {
	b, err := parseBearer(tok.Reveal())
	if err != nil {
		return V3Bearer{}, fmt.Errorf("rancher: this is no token of Rancher 2.x: %w", err)
	}
	return b, nil
}

// longestBearer is more than any token has, but for a JWT.
const longestBearer = 512

func parseBearer(text string) (V3Bearer, error) {
	if err := sendable(token.NewSecret(text)); err != nil {
		return V3Bearer{}, err
	}
	if info, err := token.Inspect(token.NewSecret(text)); err == nil && info.Format == token.JWT {
		var claims struct {
			Token string `json:"token"`
		}
		if info.Claims.Decode(&claims) != nil || !isName(claims.Token) {
			claims.Token = ""
		}
		return V3Bearer{Name: claims.Token, JWT: true}, nil
	}
	rest, ext := strings.CutPrefix(text, "ext/")
	name, key, ok := strings.Cut(rest, ":")
	switch {
	case len(text) > longestBearer:
		return V3Bearer{}, fmt.Errorf("it has %d bytes, and none has more than %d", len(text), longestBearer)
	case !ok:
		return V3Bearer{}, errors.New("it has no colon between a name and a secret: was it cut off?")
	case strings.Contains(key, ":"):
		return V3Bearer{}, errors.New("it has more than one colon: was something put before or behind it?")
	case name == "":
		return V3Bearer{}, errors.New("there is no name before the colon")
	case key == "":
		return V3Bearer{}, errors.New("there is no secret behind the colon: was it cut off?")
	case !isName(name):
		return V3Bearer{}, errors.New("what stands before the colon is no name")
	case !only(key, alphanumeric):
		return V3Bearer{}, errors.New("what stands behind the colon has characters in it that no secret has")
	}
	return V3Bearer{Name: strings.Clone(name), Key: token.NewSecret(key), Ext: ext}, nil
}

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// isName reports whether s could be the name of a token, a cluster or a setting,
// which are objects of Kubernetes. Nothing else is printed as a name.
func isName(s string) bool {
	return s != "" && len(s) <= 253 && only(s, "abcdefghijklmnopqrstuvwxyz0123456789-.") && strings.Trim(s, "-.") == s
}

// checkName returns an error if s cannot be the name of what is called what. It
// does not repeat s, which may be a token that somebody took for a name.
func checkName(what, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("the name of the %s is empty", what)
	case !isName(s):
		return fmt.Errorf("this cannot be the name of a %s: names have lower-case letters, digits, - and . in them; of a token the name is what stands before the colon", what)
	}
	return nil
}

// sendable returns an error if a token cannot be sent in a header.
func sendable(tok token.Secret) error {
	text := tok.Reveal()
	switch {
	case text == "":
		return errors.New("it is empty")
	case len(text) > 64<<10:
		return errors.New("it is longer than any token")
	case len(text) > 7 && strings.EqualFold(text[:7], "Bearer "):
		return errors.New("it begins with the word Bearer, which belongs to the header: leave that off")
	}
	for _, c := range []byte(text) {
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			return errors.New("there is white space in it, perhaps at its end: remove it")
		case c < ' ' || c >= 0x7f:
			return errors.New("it has characters in it that no token has")
		}
	}
	return nil
}
