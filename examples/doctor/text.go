package main

import (
	"cmp"
	"fmt"
	"strings"
)

// write writes r for people: on a terminal with a picture of the token's life, and
// in a pipe a fact a line.
func (r *report) write(b *strings.Builder, s screen) {
	w := writer{b, s}
	if r.User != nil {
		w.account(r.User)
	}
	if r.Token != nil {
		w.token(r.Token)
	}
	w.life(r)
	if r.Server != nil {
		at := r.Server.Product + " at " + r.Server.URL
		if r.Server.Version != "" {
			at += ", " + r.Server.Version
		}
		if r.Server.Context != "" {
			at += ", of the context " + r.Server.Context
		}
		w.fact("asked", at)
	}
	w.findings(r)
	if r.Unseen != "" {
		fmt.Fprintln(w.b)
		for _, line := range w.s.wrap(0, r.Unseen) {
			fmt.Fprintln(w.b, w.s.paint(yellow, line))
		}
	}
}

// A writer writes in two columns, of which the first has what it is about.
type writer struct {
	b *strings.Builder
	s screen
}

// about is how wide the first column is.
const about = 11

// fact writes a line, or as many as a terminal needs for it, unless there is
// nothing to say.
func (w writer) fact(name, text string) {
	if text == "" {
		return
	}
	for _, line := range w.s.wrap(about, text) {
		w.line(name, line)
		name = ""
	}
}

func (w writer) line(name, text string) {
	fmt.Fprintf(w.b, "%s%s%s\n", w.s.paint(bold, name), strings.Repeat(" ", about-len(name)), text)
}

func (w writer) token(t *described) {
	what := t.Kind
	if what == "unknown" {
		what = map[string]string{"JWT": "a JSON Web Token", "JWE": "an encrypted token", "opaque": "a token that tells nothing of itself"}[t.Format]
	}
	if t.Algorithm != "" {
		how := "JWT, signed by " + t.Algorithm
		if t.Format == "JWE" {
			how = "JWE, encrypted by " + t.Algorithm
		}
		if t.KeyID != "" {
			how += " with the key " + t.KeyID
		}
		what += " (" + how + ")"
	}
	w.fact("token", what)
	w.fact("name", t.Name)
	w.fact("issuer", t.Issuer)
	w.fact("subject", t.Subject)
	w.fact("audience", strings.Join(t.Audience, ", "))
	w.fact("id", t.ID)
	for i, o := range t.BoundTo {
		text := o.Kind + " " + o.Name
		if o.Namespace != "" {
			text = o.Kind + " " + o.Namespace + "/" + o.Name
		}
		if o.UID != "" {
			text += " (uid " + o.UID + ")"
		}
		name := ""
		if i == 0 {
			name = "dies with"
		}
		w.fact(name, text)
	}
}

func (w writer) account(u *account) {
	name := u.Name
	if u.Current {
		name += ", that of the current context"
	}
	w.fact("user", name)
	w.fact("file", u.File)
	w.fact("contexts", strings.Join(u.Contexts, ", "))
	w.fact("sends", u.Kind)
	w.fact("acts as", u.As)
	w.fact("read from", u.TokenFile)
	w.fact("plugin", u.Command)
	w.fact("issuer", u.Issuer)
	w.fact("client", u.ClientID)
	w.fact("outlook", u.Outlook)
}

// life writes how long the token has.
func (w writer) life(r *report) {
	if r.Token == nil && (r.User == nil || r.User.Expiry.IsZero()) {
		return
	}
	l := lifeOf(r)
	name := "life"
	bar := l.picture(w.s, w.s.width-about)
	switch {
	case bar != "":
		w.line(name, bar)
		name = ""
	case l.expiry.IsZero():
		w.fact(name, cmp.Or(r.Token.Endless, "it does not say when it ends"))
		name = ""
	}
	for _, m := range l.lines(bar != "") {
		switch room := w.s.width - about; {
		case w.s.width == 0 || len(m.when)+2+len(m.remark) <= room:
			w.line(name, m.when+"  "+m.remark)
		case len(m.when) <= room:
			w.line(name, m.when)
			w.line("", "    "+m.remark)
		default: // there is no room for the second column
			fmt.Fprintln(w.b, m.when)
			for _, line := range w.s.wrap(2, m.remark) {
				fmt.Fprintln(w.b, "  "+line)
			}
		}
		name = ""
	}
}

// findings writes why the token is refused.
func (w writer) findings(r *report) {
	if r.Token != nil || r.User != nil || r.Server != nil {
		fmt.Fprintln(w.b)
	}
	if len(r.Findings) == 0 {
		for _, line := range w.s.wrap(0, r.nothing()) {
			fmt.Fprintln(w.b, w.s.paint(green, line))
		}
		return
	}
	for i, f := range r.Findings {
		if i > 0 {
			fmt.Fprintln(w.b)
		}
		how, c := "probably", yellow
		if f.Certain {
			how, c = "certain", red
		}
		for j, line := range w.s.wrap(3, f.Cause+" ("+how+")") {
			number := "   "
			if j == 0 {
				number = fmt.Sprintf("%d. ", i+1)
			}
			fmt.Fprintln(w.b, number+w.s.paint(c, line))
		}
		for _, e := range f.Evidence {
			w.indented("saw", e.What+": "+e.Value)
		}
		if f.Remedy != "" {
			w.indented("to do", f.Remedy)
		}
	}
}

// nothing says that nothing was found, and what was not looked at.
func (r *report) nothing() string {
	switch {
	case r.Unseen != "":
		return "Nothing was found in the kubeconfig that would make this user's credential be refused."
	case r.User != nil && r.Server == nil:
		return "Nothing was found that would make this user's credential be refused. Nobody was asked about it: -context says which cluster is to be."
	case r.User != nil:
		return "Nothing was found that would make this user's credential be refused."
	case r.Server == nil:
		return "Nothing in the token itself would make it be refused. Nobody was asked about it: -context, -rancher or -dashboard says who is to be."
	}
	return "Nothing was found that would make this token be refused."
}

// indented writes what belongs to a finding.
func (w writer) indented(name, text string) {
	const indent = 10
	for _, line := range w.s.wrap(indent, text) {
		fmt.Fprintf(w.b, "   %s%s%s\n", w.s.paint(bold, name), strings.Repeat(" ", indent-3-len(name)), line)
		name = ""
	}
}
