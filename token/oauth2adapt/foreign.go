package oauth2adapt

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

const (
	// longestText is how much is repeated of what a server or a transport says.
	longestText = 400

	// longestWord is that of one word. Longer ones are replaced: a token that
	// came back in another encoding is one, and few words of people's are.
	longestWord = 24

	// window is how many characters in a row are taken to be a piece of a secret
	// that has them too.
	window = 8
)

// hidden are the secrets of one exchange, which no text may repeat.
type hidden []string

// add adds the values of a header or a form.
func (h *hidden) add(fields map[string][]string) {
	for name, values := range fields {
		switch name {
		case "client_id", "client_assertion_type", "scope", "resource", "audience":
			continue
		}
		*h = append(*h, values...)
	}
}

// in reports whether text has a secret in it, or a piece of one.
func (h hidden) in(text string) bool {
	return slices.ContainsFunc(h, func(secret string) bool {
		if len(secret) < window {
			return secret != "" && strings.Contains(text, secret)
		}
		for i := range max(0, len(text)-window+1) {
			if strings.Contains(secret, text[i:i+window]) {
				return true
			}
		}
		return false
	})
}

// quote returns what of a server's text can be repeated, in quotes, after a
// separator; empty if that is nothing.
func (h hidden) quote(separator, text string) string {
	raw := text[:min(len(text), 2*longestText)]
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return ' '
		}
		return r
	}, raw)
	if h.in(raw) || h.in(text) {
		return ""
	}
	words := strings.Fields(text)
	for i, word := range words {
		if len(word) > longestWord {
			words[i] = "…"
		}
	}
	text = strings.Join(words, " ")
	if strings.Trim(text, "… ") == "" {
		return ""
	}
	return separator + `"` + cut(text) + `"`
}

// cut returns the beginning of text if it is long.
func cut(text string) string {
	if len(text) > longestText {
		text = strings.ToValidUTF8(text[:longestText], "") + "…"
	}
	return text
}

// from returns err, of a client or what it calls, in brief, without the URL that
// a client puts in front of it, which may have a key in its query, or that of a proxy,
// which may have a password, and without what was sent or came back.
func (h hidden) from(err error) error {
	for e, ok := errors.AsType[*url.Error](err); ok; e, ok = errors.AsType[*url.Error](err) {
		err = e.Err
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "malformed HTTP"): // and then the server's words
		text = "what came is not HTTP"
	case strings.Contains(text, "define Request.GetBody"): // advice for others
		text = "the server would not take the request, which is not sent again"
	case h.in(text):
		text = "an error whose text is withheld, since a secret is in it"
	}
	return &brief{cut(text), err}
}

// A brief error reads as text and is err to those who look for it.
type brief struct {
	text string
	err  error
}

func (e *brief) Error() string { return e.text }
func (e *brief) Unwrap() error { return e.err }
