package kube_test

import (
	"bytes"
	"errors"
	"fmt"
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
			l.try(t, r, func() kube.Suspect {
				l.SetClock(t, 0) // where an earlier try has left it
				return r.make(t, l)
			}, askers)
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
		l.try(t, r, func() kube.Suspect { return s }, l.askers(t))
	})
	t.Run("away", func(t *testing.T) {
		s := kube.Suspect{Token: l.mint(t)}
		l.Stop()
		for _, a := range askers {
			cfg := a.as(s.Token)
			if cfg == nil {
				continue
			}
			unhurried(t, func() []string {
				d := kube.Diagnose(t.Context(), s, cfg)
				if !slices.Equal(certainOf(d), []string{"the API server does not answer, and the token was not looked at"}) {
					return []string{fmt.Sprintf("%s is told:\n%v", a.name, d)}
				}
				return nil
			})
		}
	})
}

// testFirstUse shows what the server itself changes: it notes the day on the Secret of a
// token that does not expire.
func (l *lab) testFirstUse(t *testing.T) {
	secrets := l.Client().CoreV1().Secrets("ci")
	// From the beginning without the label: of a change the server learns a little later.
	made := l.newLegacy(t, nil)
	s := kube.Suspect{Token: token.NewSecret(string(made.Data[corev1.ServiceAccountTokenKey]))}
	day := func() string { return time.Now().UTC().Format(time.DateOnly) }
	before := day()
	unhurried(t, func() []string {
		if d := kube.Diagnose(t.Context(), s, l.Admin()); len(d.Findings) > 0 {
			return []string{fmt.Sprintf("found:\n%v", d)}
		}
		return nil
	})
	after, err := secrets.Get(t.Context(), made.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if used := after.Labels["kubernetes.io/legacy-token-last-used"]; len(after.Labels) != 1 || used != before && used != day() {
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
	var d token.Diagnosis
	unhurried(t, func() []string {
		if d = kube.Diagnose(t.Context(), s, l.User("bob")); len(d.Findings) != 1 || d.Findings[0].Certain {
			return []string{fmt.Sprintf("one who may do nothing is told:\n%v", d)}
		}
		return nil
	})
	if t.Failed() {
		return
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

// patience is for how long at least it is waited for whatever may be over too soon for
// these tests if the machine stands still: Diagnose waits so long for one answer, and a
// server goes by what it found out about a token for so long. Who asks what time it is
// has half of it.
const patience = 5 * time.Second

// unhurried has f find what is wrong. If that took so long that it may say something of
// the machine alone, f has two more tries.
func unhurried(t *testing.T, f func() (wrong []string)) {
	t.Helper()
	for try := 1; ; try++ {
		began := time.Now()
		wrong := f()
		took := time.Since(began)
		if len(wrong) > 0 && took >= patience && try < 3 {
			t.Logf("once more, after %v: %s", took, strings.Join(wrong, "\n"))
			continue
		}
		for _, w := range wrong {
			t.Error(w)
		}
		return
	}
}

// try makes a suspect, has everybody ask about it, and checks what they are told.
func (l *lab) try(t *testing.T, r row, make func() kube.Suspect, askers []asker) {
	t.Helper()
	var s kube.Suspect
	var told token.Diagnosis // an admin
	unhurried(t, func() (wrong []string) {
		began := time.Now()
		s = make()
		told, wrong = l.ask(t, r, s, began, askers)
		return wrong
	})
	if r.mends != 0 && !t.Failed() {
		l.mend(t, r, s, told.Findings[0])
	}
}

// ask has everybody ask about s, and returns what an admin is told, and what is wrong
// with what they are told. Began is from before s was made.
func (l *lab) ask(t *testing.T, r row, s kube.Suspect, began time.Time, askers []asker) (told token.Diagnosis, wrong []string) {
	t.Helper()
	fault := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	before, mark := l.objects(t), l.sync(t)
	for _, a := range askers {
		cfg := a.as(s.Token)
		if cfg != nil && r.via != nil {
			r.via(t, l, cfg)
		}
		asked := time.Now()
		d := kube.Diagnose(t.Context(), s, cfg)
		t.Logf("%s is told, after %v:\n%v", a.name, time.Since(asked).Round(time.Millisecond), d)
		quiet(t, s.Token, d)
		if cfg == nil && !r.proves && len(certainOf(d)) > 0 {
			fault("%s is told for certain, and nobody was asked, that %q", a.name, certainOf(d))
		}
		for _, cause := range certainOf(d) {
			right := r.certain && cause == r.cause || cause == askerRefused && a.refused(s) || a.judges && !a.sees && cause == r.reviewer
			if !right {
				fault("%s is told for certain, and wrongly, that %s", a.name, cause)
			}
		}
		first := token.Finding{}
		if len(d.Findings) > 0 {
			first = d.Findings[0]
		}
		want := r.cause
		if a.name == "one who may review tokens" && r.reviewer != "" {
			want = strings.TrimPrefix(r.reviewer, "-")
			if want == "" && time.Since(began) >= serverKeeps && first.Cause == r.cause {
				want = r.cause // the server did not go by what it found out before any more
			}
		}
		switch {
		case a.judges && first.Cause != want:
			fault("%s is told first that %q, and not that %q", a.name, first.Cause, want)
		case a.sees && first.Certain != r.certain:
			fault("%s is told that %q (certain: %t)", a.name, first.Cause, first.Certain)
		case r.offline && !slices.ContainsFunc(d.Findings, func(f token.Finding) bool { return f.Cause == r.cause }):
			fault("%s is not told that %q", a.name, r.cause)
		case r.cause != "" && first.Cause == "" && cfg != nil && !a.judges && s.Audiences == nil && r.reviewer != "-":
			fault("%s finds nothing", a.name)
		}
		if a.sees {
			told = d
		}
	}
	for _, a := range l.audit.between(t, mark, l.sync(t)) {
		if !a.harmless() {
			fault("the server was asked to %s %s by %s", a.Verb, a.RequestURI, a.User.Username)
		}
	}
	after := l.objects(t)
	maps.DeleteFunc(after, func(name, version string) bool { return before[name] == version })
	if len(after) > 0 {
		fault("objects have changed: %v", after)
	}
	return told, wrong
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
