package kube_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// Each reason to refuse a token, made on a real server, is found and named right by
// one who may look; whoever may not is told nothing wrong for certain; nothing changes
// on the server; and nothing secret is told.
func TestDiagnose(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	askers := l.askers(t)
	for _, r := range append(rows(), unproved()...) {
		t.Run(r.name, func(t *testing.T) {
			defer l.SetClock(t, 0)
			l.try(t, r, r.make(t, l), askers)
		})
	}

	t.Run("legacy, not used before", l.testFirstUse)
	t.Run("rights of the asker", l.testRights)
	t.Run("kubeconfig", l.testKubeconfig)
	t.Run("signed by a key that was replaced", func(t *testing.T) {
		s := kube.Suspect{Token: l.mint(t)}
		l.replaceKey(t)
		l.Restart(t)
		r := row{cause: keyGone, certain: true}
		// The reviewer's own token is of that key too.
		l.try(t, r, s, l.askers(t))
	})
	t.Run("away", func(t *testing.T) {
		s := kube.Suspect{Token: l.mint(t)}
		l.Stop()
		for _, a := range askers {
			cfg := a.as(s.Token)
			if cfg == nil {
				continue
			}
			d := kube.Diagnose(t.Context(), s, cfg)
			if !slices.Equal(certainOf(d), []string{"the API server does not answer, and the token was not looked at"}) {
				t.Errorf("%s is told:\n%v", a.name, d)
			}
		}
	})
}

// testFirstUse shows what the server itself changes: it notes the day on the Secret of a
// token that does not expire.
func (l *lab) testFirstUse(t *testing.T) {
	secrets := l.Client().CoreV1().Secrets("ci")
	var made *corev1.Secret
	s := legacy(func(t *testing.T, l *lab, secret *corev1.Secret) {
		secret.Labels = nil
		var err error
		if made, err = secrets.Update(t.Context(), secret, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	})(t, l)
	if d := kube.Diagnose(t.Context(), s, l.Admin()); len(d.Findings) > 0 {
		t.Errorf("found:\n%v", d)
	}
	after, err := secrets.Get(t.Context(), made.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if day := time.Now().UTC().Format(time.DateOnly); len(after.Labels) != 1 || after.Labels["kubernetes.io/legacy-token-last-used"] != day {
		t.Errorf("labels: %v", after.Labels)
	}
	if !maps.EqualFunc(made.Data, after.Data, bytes.Equal) || !maps.Equal(made.Annotations, after.Annotations) {
		t.Error("more than a label has changed")
	}
}

// testRights shows that who may not look is told what right is missing, and finds out
// more with it.
func (l *lab) testRights(t *testing.T) {
	s := kube.Suspect{Token: signed(t, l.SigningKey, map[string]any{"alg": "ES256", "kid": "another-cluster"}, claimsOf(l.account(t), nil))}
	d := kube.Diagnose(t.Context(), s, l.User("bob"))
	if len(d.Findings) != 1 || d.Findings[0].Certain {
		t.Fatalf("one who may do nothing is told:\n%v", d)
	}
	kubectl, ok := l.kubectl(t)
	if !ok {
		return
	}
	for _, c := range command.FindAllString(d.Findings[0].Remedy, -1) {
		kubectl(strings.ReplaceAll(c, "NAME", "bob-reviews"))
	}
	eventually(t, "bob finds out", func() error {
		d := kube.Diagnose(t.Context(), s, l.User("bob"))
		if len(d.Findings) == 0 || d.Findings[0].Cause != keyGone {
			return errors.New(d.String())
		}
		return nil
	})
}

// try has everybody ask about s, and checks what they are told.
func (l *lab) try(t *testing.T, r row, s kube.Suspect, askers []asker) {
	t.Helper()
	before, mark := l.objects(t), l.sync(t)
	var told token.Diagnosis // an admin
	for _, a := range askers {
		cfg := a.as(s.Token)
		if cfg != nil && r.via != nil {
			r.via(t, l, cfg)
		}
		began := time.Now()
		d := kube.Diagnose(t.Context(), s, cfg)
		t.Logf("%s is told, after %v:\n%v", a.name, time.Since(began).Round(time.Millisecond), d)
		quiet(t, s.Token, d)
		if cfg == nil && !r.proves && len(certainOf(d)) > 0 {
			t.Errorf("%s is told for certain, and nobody was asked, that %q", a.name, certainOf(d))
		}
		for _, cause := range certainOf(d) {
			right := r.certain && cause == r.cause || cause == askerRefused && a.refused(s) || a.judges && !a.sees && cause == r.reviewer
			if !right {
				t.Errorf("%s is told for certain, and wrongly, that %s", a.name, cause)
			}
		}
		first := token.Finding{}
		if len(d.Findings) > 0 {
			first = d.Findings[0]
		}
		want := r.cause
		if a.name == "one who may review tokens" && r.reviewer != "" {
			want = strings.TrimPrefix(r.reviewer, "-")
		}
		switch {
		case a.judges && first.Cause != want:
			t.Errorf("%s is told first that %q, and not that %q", a.name, first.Cause, want)
		case a.sees && first.Certain != r.certain:
			t.Errorf("%s is told that %q (certain: %t)", a.name, first.Cause, first.Certain)
		case r.offline && !slices.ContainsFunc(d.Findings, func(f token.Finding) bool { return f.Cause == r.cause }):
			t.Errorf("%s is not told that %q", a.name, r.cause)
		case r.cause != "" && first.Cause == "" && cfg != nil && !a.judges && s.Audiences == nil && r.reviewer != "-":
			t.Errorf("%s finds nothing", a.name)
		}
		if a.sees {
			told = d
		}
	}
	for _, a := range l.audit.between(t, mark, l.sync(t)) {
		if !a.harmless() {
			t.Errorf("the server was asked to %s %s by %s", a.Verb, a.RequestURI, a.User.Username)
		}
	}
	after := l.objects(t)
	maps.DeleteFunc(after, func(name, version string) bool { return before[name] == version })
	if len(after) > 0 {
		t.Errorf("objects have changed: %v", after)
	}
	if r.mends != 0 {
		l.mend(t, r, s, told.Findings[0])
	}
}

// certainOf returns the causes that are certain.
func certainOf(d token.Diagnosis) (causes []string) {
	for _, f := range d.Findings {
		if f.Certain {
			causes = append(causes, f.Cause)
		}
	}
	return causes
}

// quiet checks that no part of a secret is in d, and that each finding can be read.
func quiet(t *testing.T, secret token.Secret, d token.Diagnosis) {
	t.Helper()
	said := d.String()
	text := strings.Trim(secret.Reveal(), " \n\"")
	for i := 0; i+12 <= len(text); i++ {
		if strings.Contains(said, text[i:i+12]) {
			t.Fatalf("part of the token is in it: %s", said)
		}
	}
	for _, f := range d.Findings {
		if f.Cause == "" || f.Remedy == "" || len(f.Evidence) == 0 {
			t.Errorf("a finding lacks something: %+v", f)
		}
		for _, s := range append([]string{f.Cause, f.Remedy}, evidence(f)...) {
			if len(s) > 1000 || strings.ContainsAny(s, "\n\x1b") {
				t.Errorf("this is no line for people: %q", s)
			}
		}
	}
}

func evidence(f token.Finding) (all []string) {
	for _, e := range f.Evidence {
		all = append(all, e.What, e.Value)
	}
	return all
}
