package main

import (
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A report is what was found out. As JSON it has these members, of which those that
// are not known are left out, but for findings, which is always there; times are of
// RFC 3339, in UTC. A later version of doctor may add members, and changes version
// if one goes or means something else. The texts of findings and of unseen are for
// people, and may be worded anew: a program goes by what the exit status says too, by
// certain, and by what is left of the token. No token is in it, nor what a token is
// kept with, such as the arguments of a plugin.
type report struct {
	Version int       `json:"version"` // 1
	Now     time.Time `json:"now"`     // by this machine's clock

	Token  *described `json:"token,omitempty"`
	User   *account   `json:"user,omitempty"`   // of a kubeconfig
	Server *server    `json:"server,omitempty"` // that was asked

	// Findings are why it is refused, the likeliest first; none if nothing is
	// wrong, as far as could be looked at.
	Findings []finding `json:"findings"`

	// Unseen says what could not be looked at, and how it can be: no findings mean
	// little then.
	Unseen string `json:"unseen,omitempty"`
}

// Described is what a token says, to anyone who looks. Nothing of it is verified.
type described struct {
	Format    string `json:"format"` // "JWT", "JWE" or "opaque"
	Kind      string `json:"kind"`   // such as "Rancher 2.x token"; "unknown" if its form does not tell
	Algorithm string `json:"algorithm,omitempty"`
	KeyID     string `json:"keyID,omitempty"`
	Name      string `json:"name,omitempty"` // of a Rancher 2.x token

	Issuer   string   `json:"issuer,omitempty"`
	Subject  string   `json:"subject,omitempty"`
	Audience []string `json:"audience,omitempty"`
	ID       string   `json:"id,omitempty"`
	BoundTo  []bound  `json:"boundTo,omitempty"` // objects that it dies with

	IssuedAt  time.Time `json:"issuedAt,omitzero"`
	NotBefore time.Time `json:"notBefore,omitzero"`
	WarnAfter time.Time `json:"warnAfter,omitzero"` // when it was to be replaced
	Expiry    time.Time `json:"expiry,omitzero"`

	// ExpiresIn is what is left of it in seconds, by the server's clock if that is
	// known; less than 0 if it is over.
	ExpiresIn *int64 `json:"expiresIn,omitempty"`

	Endless string `json:"-"` // why there is no Expiry
}

// A bound is an object of Kubernetes that a token dies with.
type bound struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	UID       string `json:"uid,omitempty"`
}

// An account is a user of a kubeconfig.
type account struct {
	Name        string    `json:"name"`
	File        string    `json:"file"`
	Contexts    []string  `json:"contexts,omitempty"`
	Current     bool      `json:"current"`
	Kind        string    `json:"kind"`         // how it authenticates
	As          string    `json:"as,omitempty"` // whom it acts as
	TokenFile   string    `json:"tokenFile,omitempty"`
	Command     string    `json:"command,omitempty"` // of a plugin, without its arguments
	Issuer      string    `json:"issuer,omitempty"`
	ClientID    string    `json:"clientID,omitempty"`
	Refreshable bool      `json:"refreshable,omitempty"`
	Expiry      time.Time `json:"expiry,omitzero"` // of a certificate, too
	Outlook     string    `json:"outlook,omitempty"`
}

// A server is who was asked.
type server struct {
	Product string `json:"product"`           // "Kubernetes", "Rancher" or "Dashboard"
	Version string `json:"version,omitempty"` // of a Rancher
	URL     string `json:"url"`               // scheme, host, port and path
	Context string `json:"context,omitempty"` // of the kubeconfig

	// ClockAhead is by how many seconds its clock is at least ahead of this
	// machine's, less than 0 if it is behind, and 0 if they may agree; absent if
	// its clock is not known.
	ClockAhead *int64 `json:"clockAhead,omitempty"`
}

// A finding is one cause.
type finding struct {
	Cause    string `json:"cause"`
	Certain  bool   `json:"certain"` // proved by the evidence, rather than likely
	Evidence []fact `json:"evidence,omitempty"`
	Remedy   string `json:"remedy,omitempty"`
}

// A fact is what was looked at and what it said.
type fact struct {
	What  string `json:"what"`
	Value string `json:"value"`
}

// add adds findings, but those that there are already.
func (r *report) add(d token.Diagnosis) {
next:
	for _, f := range d.Findings {
		for _, other := range r.Findings {
			if other.Cause == clean(f.Cause) {
				continue next
			}
		}
		one := finding{Cause: clean(f.Cause), Certain: f.Certain, Remedy: clean(f.Remedy)}
		for _, e := range f.Evidence {
			one.Evidence = append(one.Evidence, fact{clean(e.What), clean(e.Value)})
		}
		r.Findings = append(r.Findings, one)
	}
}

// texts calls f for each text in r that somebody else may have written.
func (r *report) texts(f func(*string)) {
	all := func(list []string) {
		for i := range list {
			f(&list[i])
		}
	}
	if t := r.Token; t != nil {
		for _, s := range []*string{&t.Algorithm, &t.KeyID, &t.Name, &t.Issuer, &t.Subject, &t.ID} {
			f(s)
		}
		all(t.Audience)
		for i := range t.BoundTo {
			b := &t.BoundTo[i]
			f(&b.Namespace)
			f(&b.Name)
			f(&b.UID)
		}
	}
	if u := r.User; u != nil {
		for _, s := range []*string{&u.Name, &u.File, &u.As, &u.TokenFile, &u.Command, &u.Issuer, &u.ClientID, &u.Outlook} {
			f(s)
		}
		all(u.Contexts)
	}
	if s := r.Server; s != nil {
		f(&s.Version)
		f(&s.URL)
		f(&s.Context)
	}
	for i := range r.Findings {
		d := &r.Findings[i]
		f(&d.Cause)
		f(&d.Remedy)
		for j := range d.Evidence {
			f(&d.Evidence[j].What)
			f(&d.Evidence[j].Value)
		}
	}
}

// tidy makes r safe to show: no text does anything to a terminal, is endless, or
// repeats a secret, which a server may do with what it was sent, and a token with
// itself.
func (r *report) tidy(secrets ...token.Secret) {
	keys := make([]token.Secret, len(secrets))
	for i, s := range secrets {
		keys[i] = keyOf(s)
	}
	r.texts(func(s *string) {
		*s = clean(*s)
		for _, key := range keys {
			if key.RepeatedIn(*s) {
				*s = "[redacted: it repeats a secret]"
			}
		}
	})
}

// keyOf returns what of a token is secret. What stands before the colon in a token of
// Rancher is its name.
func keyOf(s token.Secret) token.Secret {
	if info, err := token.Inspect(s); err == nil && info.Name != "" {
		_, key, _ := strings.Cut(s.Reveal(), ":")
		return token.NewSecret(key)
	}
	return s
}
