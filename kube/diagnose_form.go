package kube

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"

	"github.com/tokenlife/tokenlife/token"
)

// formFault is why a text can be no token, or info what can be read of one.
func formFault(secret token.Secret) (info token.Info, fault *token.Finding) {
	text := secret.Reveal()
	if f := textFault(text); f != nil {
		f.Evidence = append([]token.Evidence{saw("the text", "%d bytes", len(text))}, f.Evidence...)
		return info, f
	}
	info, err := token.Inspect(secret)
	if err == nil && info.Format == token.JWT {
		err = cutOff(info.Algorithm, text)
	}
	if err != nil {
		f := certain(causeMalformed, "use the token from its first character to its last, as it was given out; if it is lost, get another",
			saw("the text", "%d bytes", len(text)), saw("what is wrong", "%s", brief(strings.TrimPrefix(err.Error(), token.ErrMalformed.Error()+": "), longestExcerpt)))
		return info, &f
	}
	return info, nil
}

// textFault is why a text can be no token, whatever its issuer; nil if it can be one.
func textFault(text string) *token.Finding {
	var f token.Finding
	lower := strings.ToLower(text[:min(len(text), 100)])
	switch {
	case strings.TrimSpace(text) == "":
		f = certain(causeNoToken, "find out why whoever should supply it does not: a variable that is not set, an empty file, a login that failed")
	case begins(lower, "bearer ", "basic ", "authorization:", "token:"):
		f = certain(causeHeader, "use the token alone, without the words before it")
	case len(text) > token.MaxSize:
		f = certain(causeTooLong, fmt.Sprintf("use the token alone: more than %d bytes are no token", token.MaxSize))
	case strings.Trim(strings.TrimSpace(text), "\"'`") != strings.TrimSpace(text):
		f = certain(causeQuotes, "take them off")
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) }) && !isObject(text):
		f = certain(causeWhite, "take it off: files and pasted texts often end in a line break, and terminals break long lines")
	case isEncoded(text):
		f = certain(causeBase64, "decode it: kubectl get secret NAME -o jsonpath='{.data.token}' | base64 -d; kubectl describe secret shows it decoded")
	case oddByte(text) >= 0 && !isObject(text):
		f = certain(causeOddByte, "use the token as it was given out: something has replaced a character, such as … for what was left out", saw("where", "byte %d", oddByte(text)))
	default:
		return nil
	}
	return &f
}

// isObject reports whether text begins as JSON does, of which Inspect says more.
func isObject(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), "{") }

// isEncoded reports whether text is the base64 of a JWT.
func isEncoded(text string) bool {
	const begin = 64 // bytes of it tell
	head := strings.TrimRight(text, "=")
	plain, err := base64.RawStdEncoding.DecodeString(head[:min(len(head), begin)&^3])
	return err == nil && strings.HasPrefix(string(plain), "eyJ")
}

// cutOff returns an error if the signature of a JWT is shorter than one by its alg
// can be, or longer.
func cutOff(alg, text string) error {
	n := base64.RawURLEncoding.DecodedLen(len(text) - strings.LastIndexByte(text, '.') - 1)
	if n >= 128 && n%16 == 0 && (alg[0] == 'R' || alg[0] == 'P') {
		return nil // by an RSA key, which may be weak, or of an odd size
	}
	switch alg {
	case "ES256", "EdDSA", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512":
		return signs(alg, n)
	}
	return nil // of others nothing is known
}

// otherKind is what there is to say of a token that is of another system than
// Kubernetes; nil if it may be one that an API server takes.
func otherKind(info token.Info) *token.Finding {
	var f token.Finding
	what := saw("the token", "%s", info.Kind)
	switch {
	case info.Kind == token.KindDashboard:
		f = certain(causeDashboard, "send it to the Dashboard, as its cookie or header, and a token of the cluster to the API server (kubectl create token)", what)
	case info.Format == token.JWE:
		f = likely(causeEncrypted, "send it to whoever has issued it, and a token of the cluster to the API server (kubectl create token)", saw("the token", "JWE, %s", brief(info.Algorithm, 40)))
	case info.Kind == token.KindRancher, info.Kind == token.KindRancherExt, info.Kind == token.KindRancher16:
		f = likely(causeRancher, "ask by Rancher's own URL for the cluster (/k8s/clusters/ID), or use a token of the cluster itself (kubectl create token)", what)
	case strings.EqualFold(info.Algorithm, "none"):
		f = certain(causeUnsigned, "get a token from its issuer: this one anybody can have written", saw("its alg", "none"))
	default:
		return nil
	}
	return &f
}

func begins(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
