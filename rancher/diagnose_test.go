package rancher

import (
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// update has the golden files written anew.
var update = os.Getenv("UPDATE") != ""

// A golden is a file with what is found out about each of a number of tokens.
type golden struct {
	path string
	want map[string]string
	got  []string
}

func openGolden(t *testing.T, path string) *golden {
	t.Helper()
	g := &golden{path: path, want: map[string]string{}}
	text, err := os.ReadFile(path)
	if err != nil && !update {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq(string(text), "\n== ") {
		name, said, _ := strings.Cut(strings.TrimPrefix(part, "== "), "\n")
		g.want[name] = strings.TrimSpace(said)
	}
	return g
}

// Names and ids are made up anew each time.
var random = regexp.MustCompile(`\b(token|user)-[bcdfghjklmnpqrstvwxz2456789]{5}\b|\bu-[bcdfghjklmnpqrstvwxz2456789]{10}\b`)

// Where it was that something panicked changes with each edit.
var site = regexp.MustCompile(`panicked in .*, with`)

// check compares a diagnosis with the file, all of it, and looks for secrets.
func (g *golden) check(t *testing.T, name string, d token.Diagnosis, secrets ...token.Secret) {
	t.Helper()
	said := random.ReplaceAllStringFunc(d.String(), func(s string) string {
		kind, _, _ := strings.Cut(s, "-")
		return kind + "-xxxxx"
	})
	said = site.ReplaceAllString(said, "panicked, with")
	g.got = append(g.got, "== "+name+"\n"+said+"\n")
	if diff := cmp.Diff(g.want[name], said); diff != "" && !update {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, s := range secrets {
		_, key, ok := strings.Cut(s.Reveal(), ":")
		if !ok {
			key = s.Reveal()
		}
		if key == "" {
			continue
		}
		for _, form := range []string{"%v", "%+v", "%#v"} {
			if strings.Contains(fmt.Sprintf(form, d), key) {
				t.Errorf("a secret is in the diagnosis, by %s", form)
			}
		}
	}
	if strings.Contains(fmt.Sprintf("%v %+v", d, slog.AnyValue(d)), "hunter2") || strings.Contains(fmt.Sprintf("%v", d), "Hunter2") {
		t.Error("what may be a secret is in the diagnosis")
	}
}

func (g *golden) done(t *testing.T) {
	if update {
		if err := os.WriteFile(g.path, []byte(strings.Join(g.got, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if len(g.got) != len(g.want) && !t.Failed() {
		t.Errorf("%d cases, and %d in %s: write it anew with UPDATE=1", len(g.got), len(g.want), g.path)
	}
}

func cmpTokens(before, after []ranchertest.V3Token) string { return cmp.Diff(before, after) }
