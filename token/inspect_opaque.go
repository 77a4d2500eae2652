package token

import "strings"

// Rancher's alphabets: that of 1.6 is base64 without the characters that people
// mistake for each other, that of 2.x letters and digits that spell no words.
const (
	base58        = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	rancherSecret = "bcdfghjklmnpqrstvwxz2456789"
)

// inspectOpaque tells opaque tokens apart by their form alone. Where it is not
// sure it says nothing: half of a token that is taken for a name is printed.
func inspectOpaque(text string) Info {
	if isRancher16(text) {
		return Info{Kind: KindRancher16}
	}
	kind := KindRancher
	rest, ext := strings.CutPrefix(text, "ext/")
	if ext {
		kind = KindRancherExt
	}
	name, secret, ok := strings.Cut(rest, ":")
	if !ok || !isRancherName(name) || !isRancherSecret(secret, ext || hasRancherPrefix(name)) {
		return Info{}
	}
	// A clone, since a part of the text would keep the whole of it in memory.
	return Info{Kind: kind, Name: strings.Clone(name)}
}

// isRancher16 asks for both cases besides the alphabet, so that a hexadecimal
// SHA-1, as long and in the same alphabet if it has no 0, is not taken for one.
func isRancher16(text string) bool {
	return len(text) == 40 && only(text, base58) &&
		text != strings.ToLower(text) && text != strings.ToUpper(text)
}

// isRancherName reports whether name could be that of a Kubernetes object.
func isRancherName(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	return name != "" && len(name) <= 253 && only(name, letters+"-.") &&
		strings.Trim(name, "-.") == name
}

// hasRancherPrefix reports whether name is of the kind that Rancher itself
// generates.
func hasRancherPrefix(name string) bool {
	for _, prefix := range [...]string{"token-", "kubeconfig-", "agent-", "compose-token-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// isRancherSecret reports whether secret could stand behind the colon; beside
// a name that could be anyone's it must be just as Rancher makes them.
func isRancherSecret(secret string, certain bool) bool {
	if certain {
		const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		return secret != "" && only(secret, letters)
	}
	return len(secret) == 54 && only(secret, rancherSecret)
}

// only reports whether all of s is in alphabet.
func only(s, alphabet string) bool {
	return strings.Trim(s, alphabet) == ""
}
