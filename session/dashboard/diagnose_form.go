package dashboard

import (
	"slices"
	"strings"
	"unicode"

	"github.com/tokenlife/tokenlife/token"
)

// A form is what the text of a token says of itself.
type form struct {
	info    token.Info
	session bool // of 2.x; otherwise it is a bearer token

	// fault is why the text can be neither; nil if it can be one.
	fault *token.Finding
}

// formOf reads the text of a token.
func formOf(s token.Secret) form {
	text := s.Reveal()
	info, err := token.Inspect(s)
	fault := func(cause, remedy string) form {
		f := certain(cause, remedy, saw("the text", "%d bytes", len(text)))
		return form{fault: &f}
	}
	lower := strings.ToLower(text[:min(len(text), 20)])
	switch isJSON := strings.HasPrefix(text, "{"); {
	case text == "":
		return fault("there is no token: its text is empty", "find out why whoever should supply it does not: a variable that is not set, a file without a line, a login that failed")
	case len(text) > token.MaxSize:
		return fault("this is no token: it is too long", "use the token alone")
	case begins(lower, "bearer ", "basic ", "authorization:", "cookie:", "jwetoken:", "jwetoken=", "token="):
		return fault("this is a header or a cookie rather than the token in it", "use the token alone, without the words before it")
	case begins(lower, "%7b"):
		return fault("this is a session as a browser keeps it in its cookie, in URL encoding", "decode it: %7B is a brace, and %22 a quotation mark")
	case begins(lower, `"{\"`):
		return fault("this is a session as it stands in the answer to a login, where it is a text in JSON", `take the quotation marks around it off, and each backslash: jq -r .jweToken`)
	case strings.Trim(text, "\"'`") != text:
		return fault("there are quotation marks around the token", "take them off")
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) && !(isJSON && r == ' ') }):
		return fault("there is white space or a line break in the token", "take it off: files and pasted texts often end in a line break")
	case isJSON && !strings.Contains(text, `"protected"`):
		return fault("this is JSON that may have a token in it, and no session of a Dashboard", "take the token out: jq -r .jweToken of the answer to a login, and jq -r .status.token of what a plugin of kubectl prints")
	case err != nil:
		f := certain("this begins as a token does, and does not go on as one: it is cut off, or was changed",
			"use the whole token as it was given out, or log in again", saw("the text", "%d bytes: %v", len(text), err))
		return form{fault: &f}
	case info.Kind == token.KindRancher, info.Kind == token.KindRancherExt:
		// It is not sent where it may not be meant for.
		f := likely("this is a "+info.Kind.String()+", which a Dashboard takes only where the cluster has an endpoint that is authorized by Rancher",
			"use it at that Rancher, and log in to the Dashboard with a token of the cluster, such as kubectl create token makes", saw("the text", "%d bytes", len(text)))
		return form{fault: &f}
	case info.Format == token.JWE && !isJSON:
		return fault("this is an encrypted token, but no session of a Dashboard: those are JSON objects", "use the jweToken of the answer to a login, as it is")
	case info.Format == token.JWE && info.Kind != token.KindDashboard:
		return fault("this is an encrypted token that is not dated as the sessions of a Dashboard are", "log in to this Dashboard for a session of its own")
	}
	return form{info: info, session: info.Kind == token.KindDashboard}
}

func begins(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}

// what is what people call the token.
func (f form) what() string {
	if f.session {
		return "the session"
	}
	return "the token"
}
