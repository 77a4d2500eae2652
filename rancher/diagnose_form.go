package rancher

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode"

	"github.com/tokenlife/tokenlife/internal/foreign"
	"github.com/tokenlife/tokenlife/token"
)

// A form is what the text of a token says of itself. Nothing in it is a secret.
type form struct {
	name string // of a token of 2.x; empty if there is none that can be printed
	ext  bool   // it is one of ext.cattle.io
	life life   // what it says itself, if it is a JWT
	odd  string // how it differs from what this Rancher gives out, though it may be good

	// fault is why the text can be no token of this Rancher; nil if it can be.
	fault *token.Finding
}

// Rancher's alphabets, and how long a secret is that is made of them.
const (
	v3Letters     = "bcdfghjklmnpqrstvwxz2456789"
	v3Length      = 54
	v2betaLetters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	v2betaLength  = 40
)

// v3Form reads the text of a token of 2.x. Url is the server's.
func v3Form(secret token.Secret, url string) form {
	text := secret.Reveal()
	if fault := textFault(text); fault != nil {
		return form{fault: fault}
	}
	if isJWT(secret) {
		return jwtForm(secret, url)
	}
	rest, ext := strings.CutPrefix(text, "ext/")
	name, key, colon := strings.Cut(rest, ":")
	fault := func(cause, remedy string) form {
		f := certain(cause, remedy, saw("the text", "%d bytes, %d of them colons", len(text), strings.Count(text, ":")))
		return form{fault: &f}
	}
	switch {
	case isV2Beta(text):
		return fault("this is no token of Rancher 2.x: there is no colon in it, and it has the form of one of Rancher 1.6",
			"log in to this server for a token of its own, or use V2Beta if it is Rancher 1.6")
	case !colon && len(text) == v3Length && only(text, v3Letters):
		return fault("this is no whole token of Rancher 2.x: it has the form of a secret without the name before it",
			"write the name before it, with a colon between: token-xxxxx:secret")
	case !colon && isName(name) && isGenerated(name):
		return fault("this is the name of a token without its secret",
			"write the secret behind it, with a colon between; it is shown only once, when the token is made")
	case !colon:
		return fault("this is no token of Rancher 2.x: there is no colon in it",
			"use the whole token as it was given out: token-xxxxx:secret")
	case isV2BetaKey(name, key):
		return fault("this has the form of an API key of Rancher 1.6, and the server is asked as a Rancher 2.x",
			"log in to this server for a token of its own, or use V2Beta if it is Rancher 1.6")
	case strings.Contains(key, ":"):
		return fault("this is no token of Rancher 2.x: there is more than one colon in it",
			"use the token alone, as it was given out: token-xxxxx:secret")
	case !isName(name):
		return fault("this is no token of Rancher 2.x: what stands before the colon can be the name of none",
			"use the whole token as it was given out: token-xxxxx:secret")
	case key == "":
		return fault("the token is cut off: there is nothing behind the colon",
			"use the whole token as it was given out; if it is lost, make another")
	}
	f := form{name: strings.Clone(name), ext: ext}
	switch {
	case len(key) < v3Length:
		f.odd = "the secret is shorter than those that Rancher makes"
	case len(key) > v3Length:
		f.odd = "the secret is longer than those that Rancher makes"
	case !only(key, v3Letters):
		f.odd = "the secret has characters in it that those that Rancher makes do not have"
	}
	if f.odd != "" && !isGenerated(name) {
		f.name = "" // it may be half of anything, such as a password
	}
	return f
}

// v2betaForm reads the text of a token of 1.6.
func v2betaForm(secret token.Secret) form {
	text := secret.Reveal()
	if fault := textFault(text); fault != nil {
		return form{fault: fault}
	}
	fault := func(cause, remedy string) form {
		f := certain(cause, remedy, saw("the text", "%d bytes", len(text)))
		return form{fault: &f}
	}
	name, key, colon := strings.Cut(strings.TrimPrefix(text, "ext/"), ":")
	switch {
	case isJWT(secret):
		return fault("this is a JSON Web Token, and those that a login to Rancher 1.6 gives are not",
			"log in, and use the jwt of the answer, which is 40 letters and digits; the token of a log, a shell or a statistics link is for that link alone")
	case colon && isV2BetaKey(name, key):
		return fault("this has the form of an API key rather than the token of a login",
			"send it as Authorization: Basic, with the access key as the user and the secret key as the password")
	case colon && isName(name) && (isGenerated(name) || len(key) == v3Length && only(key, v3Letters)):
		return fault("this has the form of a token of Rancher 2.x, and the server is asked as a Rancher 1.6",
			"log in to this server for a token of its own, or use V3 if it is Rancher 2.x")
	case colon:
		return fault("this is no token of Rancher 1.6: there is a colon in it", "log in, if this is a user and a password, and use the jwt of the answer")
	case len(text) < v2betaLength:
		return fault("this is no whole token of Rancher 1.6: those have 40 characters", "use the whole jwt of the login's answer, or log in again")
	case len(text) > v2betaLength:
		return fault("this is no token of Rancher 1.6: those have 40 characters", "use the jwt of the login's answer and nothing else, or log in again")
	}
	if _, err := v2betaText(secret); err != nil {
		return fault("this is no token of Rancher 1.6: it has characters in it that no cookie can carry", "use the jwt of the login's answer and nothing else, or log in again")
	}
	var f form
	if !only(text, v2betaLetters) {
		f.odd = "it has characters in it that those that Rancher gives out do not have"
	}
	return f
}

// textFault is why a text can be a token of no Rancher; nil if it can be.
func textFault(text string) *token.Finding {
	var f token.Finding
	switch {
	case text == "":
		f = certain("there is no token: its text is empty", "find out why whoever should supply it does not: a variable that is not set, a file without a line, a login that failed")
	case begins(strings.ToLower(text), "bearer ", "basic ", "authorization:", "cookie:", "r_sess=", "token="):
		f = certain("this is a header or a cookie rather than the token in it", "use the token alone, without the words before it")
	case len(text) > token.MaxSize:
		f = certain("this is no token: it is too long", "use the token alone")
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		f = certain("there is white space or a line break in the token", "take it off: files and pasted texts often end in a line break")
	case strings.Trim(text, "\"'`") != text:
		f = certain("there are quotation marks around the token", "take them off")
	case isEncoded(text):
		f = certain("this is a token in base64, as Secrets of Kubernetes have it", "decode it: base64 -d")
	default:
		return nil
	}
	f.Evidence = []token.Evidence{saw("the text", "%d bytes", len(text))}
	return &f
}

// jwtForm reads a JWT, which a Rancher takes if its own OIDC provider has issued
// it.
func jwtForm(secret token.Secret, url string) form {
	info, err := token.Inspect(secret)
	var f token.Finding
	switch {
	case err != nil:
		f = certain("this begins as a JSON Web Token does, and does not go on as one: it is cut off, or was changed",
			"use the whole token as it was given out, or one of this Rancher: token-xxxxx:secret", saw("the text", "%d bytes", len(secret.Reveal())))
	case info.Format != token.JWT || !strings.HasSuffix(info.Claims.Issuer, "/oidc"):
		f = certain("this is a JSON Web Token that no Rancher has issued",
			"use a token of this Rancher: token-xxxxx:secret. Of JSON Web Tokens Rancher 2.12 and later take those of their own OIDC provider alone; one of an identity provider or of Kubernetes is taken by whoever it was issued for",
			saw("its issuer", "%s", orNone(foreign.Brief(info.Claims.Issuer, 100))))
	case url == "" || info.Claims.Issuer != strings.TrimRight(url, "/")+"/oidc":
		// It is not sent to another Rancher than the one that it names.
		f = likely("this is a JSON Web Token of a Rancher that calls itself otherwise than Server.URL: another one, or this one by the name in its setting server-url",
			"set Server.URL to what stands before /oidc in the issuer, if that is this Rancher; or use a token of this one: token-xxxxx:secret",
			saw("its issuer", "%s", foreign.Brief(info.Claims.Issuer, 100)))
	}
	if f.Cause != "" {
		return form{fault: &f}
	}
	return ofJWT(info)
}

// ofJWT is the form of a JWT that is this Rancher's.
func ofJWT(info token.Info) form {
	f := form{life: life{created: info.IssuedAt, granted: info.Expiry.Sub(info.IssuedAt), from: "the claims iat and exp"}}
	var claims struct{ Token string }
	if info.Claims.Decode(&claims) == nil && isName(claims.Token) {
		f.name = claims.Token
	}
	return f
}

func isJWT(secret token.Secret) bool {
	info, err := token.Inspect(secret)
	return err != nil || info.Format != token.Opaque
}

func isV2Beta(text string) bool {
	return len(text) == v2betaLength && only(text, v2betaLetters)
}

// isV2BetaKey reports whether this is an access key with its secret key.
func isV2BetaKey(name, key string) bool {
	return len(name) == 20 && only(name, "0123456789ABCDEF") && isV2Beta(key)
}

// isGenerated reports whether a name is of the kind that Rancher makes up.
func isGenerated(name string) bool {
	return begins(name, "token-", "kubeconfig-", "agent-", "compose-token-")
}

func begins(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}

// isEncoded reports whether text is the base64 of a token of 2.x.
func isEncoded(text string) bool {
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return false
	}
	name, key, ok := strings.Cut(strings.TrimPrefix(string(plain), "ext/"), ":")
	return ok && isName(name) && only(strings.TrimSpace(key), v3Letters)
}

// only reports whether all of s is in alphabet.
func only(s, alphabet string) bool { return strings.Trim(s, alphabet) == "" }
