package kubeconfig

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"
	"unicode"

	"github.com/tokenlife/tokenlife/token"
)

// tokenKeys are the fields of an auth-provider that hold tokens.
var tokenKeys = []string{oidcIDToken, oidcRefreshToken, "access-token"}

// token looks at the token, in the kubeconfig or in a file of its own.
func (l *look) token() {
	e := l.entry
	t := token.Token{}
	if l.TokenFile = e.tokenFile; e.tokenFile != "" {
		var err error
		if t, err = token.File(e.tokenFile).Token(context.Background()); err != nil {
			say := l.problem
			if e.token == "" {
				say = l.fatal // there is nothing to send instead
			}
			say("the tokenFile is no good: %s", brief(err))
		}
	}
	if t.IsZero() && e.token != "" {
		t = token.New(token.NewSecret(e.token))
	}
	if t.IsZero() {
		return
	}
	l.Token = t
	if l.Kind != Certificate {
		l.Expiry = t.Expiry
	}
	l.whole("token", t.Value)
}

// whole says what is wrong with the form of a token. It repeats nothing of that.
func (l *look) whole(field string, value token.Secret) {
	text := value.Reveal()
	if strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' }) {
		l.problem("the %s has white space in it, or characters that no token has, and is sent as it is: remove them", field)
		return
	}
	if _, err := token.Inspect(value); err != nil {
		l.problem("the %s is not whole (%s); put it there again", field, cut(strings.TrimPrefix(err.Error(), token.ErrMalformed.Error()+": "), 300))
	}
}

// brief returns what is wrong with a file, in one line. The path in it is of whoever
// made the kubeconfig.
func brief(err error) string {
	text := printable(strings.TrimPrefix(err.Error(), "token: "))
	if strings.HasSuffix(text, "?") { // it says so itself
		return text
	}
	return text + "; " + remedy(err)
}

// remedy says what to do about a file that cannot be read.
func remedy(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "is what writes it running, and the path right?"
	case errors.Is(err, fs.ErrPermission):
		return "who may read it?"
	case errors.Is(err, errIrregular):
		return "name one, since it is read more than once"
	}
	return "is it the right file?"
}

// printable returns the beginning of a text, without what a terminal would obey, and
// what parts a problem from its remedy.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case !unicode.IsPrint(c):
			return '?'
		case c == '"':
			return '\''
		case c == ';':
			return ','
		}
		return c
	}, cut(text, 300))
}

// expiry returns the end of a token, as it says itself; zero if it does not.
func expiry(text string) time.Time { return token.New(token.NewSecret(text)).Expiry }
