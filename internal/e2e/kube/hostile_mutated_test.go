package kube_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// A mutant is a good answer of which one place is spoilt.
type mutant struct {
	path string // of the place, such as status.token
	how  string
	text string // JSON
}

// spoilers are what a place of an answer may hold instead.
var spoilers = []struct{ how, json string }{
	{"gone", ""}, {"null", "null"}, {"empty text", `""`}, {"text", `"x"`}, {"lines", `"a\r\nb\u001b[31m\u202e\u0000"`},
	{"long text", `"` + strings.Repeat("long ", 50_000) + `"`}, {"0", "0"}, {"1", "1"}, {"-1", "-1"}, {"1.5", "1.5"},
	{"2^53", "9007199254740992"}, {"2^62", "4611686018427387904"}, {"2^64", "18446744073709551616"}, {"huge", "1e999"}, {"true", "true"}, {"false", "false"},
	{"empty array", "[]"}, {"array of null", "[null]"}, {"array of texts", `["x"]`}, {"array of arrays", `[[["x"]]]`},
	{"empty object", "{}"}, {"object", `{"x":"y"}`}, {"deep", strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)},
	{"a time", `"2026-01-02T03:04:05Z"`}, {"another zone", `"2126-01-02T03:04:05.999999999+23:59"`}, {"a date", `"2026-01-02"`}, {"year 0", `"0000-01-01T00:00:00Z"`}, {"base64", `"eA=="`},
	{"another JWT", `"` + compact("anotherToken", grantedClaims("other", "other")) + `"`},
}

// mutants returns good spoilt at each of its places in each way.
func mutants(good map[string]any) (all []mutant) {
	const mark = "\x01mark\x01"
	quoted, _ := json.Marshal(mark)
	var walk func(node any, path string, render func(any) []byte)
	walk = func(node any, path string, render func(any) []byte) {
		if path != "" {
			with := string(render(mark))
			was, _ := json.Marshal(node)
			for _, s := range spoilers {
				if s.json == string(was) {
					continue
				}
				text := strings.Replace(with, string(quoted), s.json, 1)
				if s.json == "" {
					// Nothing is left of the member but a comma too many.
					text = removed(with, string(quoted))
				}
				all = append(all, mutant{path, s.how, text})
			}
			last := path[strings.LastIndexByte(path, '.')+1:]
			old, _ := json.Marshal(node)
			name, _ := json.Marshal(last)
			if !strings.Contains(last, "[") {
				both := fmt.Sprintf(`%s,%s:"twin"`, old, name)
				all = append(all, mutant{path, "twice, last wins", strings.Replace(with, string(quoted), both, 1)},
					mutant{path, "twice, folded", strings.Replace(with, string(quoted), fmt.Sprintf(`%s,"%s":"twin"`, old, strings.ToUpper(last)), 1)})
			}
		}
		switch n := node.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(n)) {
				walk(n[k], strings.TrimPrefix(path+"."+k, "."), func(v any) []byte {
					c := maps.Clone(n)
					c[k] = v
					return render(c)
				})
			}
		case []any:
			for i := range n {
				walk(n[i], fmt.Sprintf("%s[%d]", path, i), func(v any) []byte {
					c := slices.Clone(n)
					c[i] = v
					return render(c)
				})
			}
		}
	}
	walk(good, "", func(v any) []byte {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return text
	})
	return all
}

// removed returns text without the member or element whose value is value.
func removed(text, value string) string {
	i := strings.Index(text, value)
	from, to := i, i+len(value)
	if text[i-1] == ':' { // a member
		from = strings.LastIndexByte(text[:i-2], '"')
	}
	if text[to] == ',' {
		to++
	} else if text[from-1] == ',' {
		from--
	}
	return text[:from] + text[to:]
}

// harmless are the places that nobody reads, and need not.
func harmless(path string, free ...string) bool {
	return slices.ContainsFunc(free, func(f string) bool {
		return path == f || strings.HasPrefix(path, f+".") || strings.HasPrefix(path, f+"[")
	})
}

// try has u answered by each mutant, and checks the errors; good judges a success,
// and returns what is wrong with it.
func try(t *testing.T, u use, answer map[string]any, code int, do func(context.Context, *site) error, wrong func(m mutant) string) {
	t.Helper()
	u.do = do
	var m mutant
	s := newSite(t)
	s.answer(u.method, func(w http.ResponseWriter, r *http.Request) { said(code, "application/json", m.text)(w, r) })
	seen := make(map[string]bool)
	for _, m = range mutants(answer) {
		name := m.path + ": " + m.how
		var err error
		func() {
			defer func() {
				if p := recover(); p != nil {
					t.Errorf("%s: panic: %v", name, p)
				}
			}()
			err = u.do(t.Context(), s)
		}()
		if err == nil {
			if what := wrong(m); what != "" {
				t.Errorf("%s: %s", name, what)
			}
			continue
		}
		checkError(t, name, err, u.thing)
		if _, ok := errors.AsType[*kube.Error](err); !ok && !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: no *kube.Error: %v", name, err)
		}
		if text := m.path + err.Error(); !seen[text] {
			seen[text] = true
			t.Logf("%s: %.400v", name, err)
		}
		if json.Valid([]byte(m.text)) && m.how != "deep" && !slices.ContainsFunc(fieldNames(m.path), func(f string) bool { return strings.Contains(err.Error(), f) }) {
			t.Errorf("%s: no field is named in: %.400v", name, err)
		}
	}
}

// fieldNames are the names by which an error may call the place at path: what
// holds it will do, where the decoder says no more.
func fieldNames(path string) []string {
	names := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	switch {
	case path == "apiVersion":
		names = append(names, `for version "`)
	case strings.HasPrefix(path, "data."):
		names = append(names, "base64")
	case path == "data":
		names = append(names, "item")
	case path == "status.expirationTimestamp": // of which the decoder says no more
		names = append(names, "parsing time")
	case strings.HasPrefix(path, "status.authenticated"), path == "status":
		names = append(names, "does not say why")
	}
	return names
}

func useNamed(name string) use {
	return uses[slices.IndexFunc(uses, func(u use) bool { return u.name == name })]
}

// Each member of a TokenRequest's answer, spoilt in each way, is an error that names
// it, or changes nothing.
func TestHostileTokenRequest(t *testing.T) {
	t.Parallel()
	var got token.Token
	do := func(ctx context.Context, s *site) (err error) {
		src := kube.NewSource(s.client().CoreV1().ServiceAccounts("ci"), "builder", "vault")
		src.OnEvent = func(e kube.Event) { printable(t, "event", e) }
		got, err = src.Token(ctx)
		return err
	}
	try(t, useNamed("Source"), goodTokenRequest(), 201, do, func(m mutant) string {
		switch {
		case got.Value.Reveal() != granted && (m.path != "status.token" || strings.Contains(got.Value.Reveal(), ".ey")):
			return fmt.Sprintf("another token: %.100q", got.Value.Reveal())
		case got.ExpiresIn <= 0 || got.ExpiresIn > time.Hour+time.Second:
			return fmt.Sprintf("ExpiresIn %v", got.ExpiresIn)
		case harmless(m.path, "metadata", "kind", "apiVersion", "spec.boundObjectRef", "spec.expirationSeconds", "status.expirationTimestamp"),
			m.path == "status.token", // one of no known form is the server's affair
			strings.HasPrefix(m.how, "twice"):
			return ""
		}
		return "it is taken"
	})
}

// The same of a TokenReview's.
func TestHostileTokenReview(t *testing.T) {
	t.Parallel()
	var got token.Claims
	do := func(ctx context.Context, s *site) (err error) {
		got, err = kube.NewReviewer(s.client().AuthenticationV1().TokenReviews(), "api").Verify(ctx, token.NewSecret(presented))
		return err
	}
	u := useNamed("Reviewer")
	u.thing = ""
	try(t, u, goodTokenReview(), 201, do, func(m mutant) string {
		switch {
		case got.Subject != "system:serviceaccount:ci:caller" && !harmless(m.path, "status.user.username"):
			return fmt.Sprintf("another subject: %q", got.Subject)
		case got.Subject == "" || len(got.Subject) > token.MaxSize:
			return fmt.Sprintf("a subject of %d bytes", len(got.Subject))
		case fmt.Sprint(got.Audience) != "[api]":
			return fmt.Sprintf("audience %q", got.Audience)
		case harmless(m.path, "metadata", "kind", "apiVersion", "spec", "status.user"), strings.HasPrefix(m.how, "twice"):
			return ""
		}
		return "it is taken"
	})
}

// The same of the Secrets that tokens and keys are read from.
func TestHostileLegacy(t *testing.T) {
	t.Parallel()
	var got token.Token
	do := func(ctx context.Context, s *site) (err error) {
		got, err = (&kube.Legacy{Client: s.client().CoreV1().Secrets("ci"), Secret: "old-token"}).Token(ctx)
		return err
	}
	try(t, useNamed("Legacy"), legacySecret(), 200, do, func(m mutant) string {
		switch {
		case got.Value.Reveal() != granted:
			return fmt.Sprintf("another token: %.100q", got.Value.Reveal())
		case harmless(m.path, "metadata", "kind", "apiVersion", "data.namespace", "data.ca.crt", "data.ca"), strings.HasPrefix(m.how, "twice"):
			return ""
		}
		return "it is taken"
	})
}

func TestHostileKeys(t *testing.T) {
	t.Parallel()
	var got []token.Secret
	do := func(ctx context.Context, s *site) (err error) {
		got, err = kube.Keys(s.client().CoreV1().Secrets("ci"), "session-keys")(ctx)
		return err
	}
	want, _ := base64.StdEncoding.DecodeString(keptKey)
	try(t, useNamed("Keys"), keysSecret(), 200, do, func(m mutant) string {
		switch {
		case len(got) != 1 || got[0].Reveal() != string(want):
			return fmt.Sprintf("%d keys", len(got))
		case harmless(m.path, "metadata", "kind", "apiVersion", "type"), strings.HasPrefix(m.how, "twice"):
			return ""
		}
		return "it is taken"
	})
}

// The same of the Secret of a SecretStore: what is spoilt is never another value,
// nor written over.
func TestHostileStore(t *testing.T) {
	t.Parallel()
	kept := newSite(t)
	if ok, err := store(kept).Swap(t.Context(), storeKey, nil, []byte(keptValue), time.Now().Add(time.Hour)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	var secret map[string]any
	for _, secret = range kept.secrets {
	}
	var got []byte
	do := func(ctx context.Context, s *site) (err error) {
		s.answer("PUT", func(w http.ResponseWriter, r *http.Request) {
			t.Errorf("a Secret is written over")
			status(409, "Conflict", "no", nil)(w, r)
		})
		st := store(s)
		if got, err = st.Get(ctx, storeKey); err == nil {
			if ok, err := st.Swap(ctx, storeKey, []byte("yet another value"), []byte("new"), time.Time{}); ok || err != nil {
				t.Errorf("Swap of a value that is not there: %t, %v", ok, err)
			}
		}
		return err
	}
	try(t, useNamed("SecretStore.Get"), secret, 200, do, func(m mutant) string {
		switch {
		case string(got) == keptValue && harmless(m.path, "metadata", "kind", "apiVersion", "type"), strings.HasPrefix(m.how, "twice"):
			return ""
		case m.path == "data.expires" && m.how == "gone", got == nil && harmless(m.path, "data.expires", "metadata"):
			return ""
		case m.path == "data.value" && len(got) == 1: // another value, as good as any
			return ""
		}
		return fmt.Sprintf("it is taken as %.100q", got)
	})
}
