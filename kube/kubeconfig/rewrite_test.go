package kubeconfig

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// old is what the tests of rewriting look for, and new what they put in its place.
const (
	field = "auth-provider.config.id-token"
	fresh = "NEW.id-token"
)

// Only the value changes, however it is written.
func TestSet(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, before, was, is string }{
		{"plain", "# head\nusers: # list\n- name: u\n  user:\n    auth-provider:\n      name: oidc\n      config:\n        # the token\n        id-token: WAS # keep\n\n        other: \"x\"\n    unknown: [1, ~]\n# foot\n", `WAS`, `"NEW.id-token"`},
		{"double quotes", "users:\n- name: u\n  user: {auth-provider: {name: oidc, config: {id-token: \"a\\\"b\", x: z}}}\n", `"a\"b"`, `"NEW.id-token"`},
		{"single quotes", "users:\n- name: u\n  user:\n    auth-provider:\n      config: {id-token: 'it''s', x: z}\n", `'it''s'`, `"NEW.id-token"`},
		{"on two lines", "users:\n- name: u\n  user:\n    auth-provider:\n      config:\n        id-token: \"a\n          b\"\n        x: z\n", "\"a\n          b\"", `"NEW.id-token"`},
		{"literal", "users:\n- name: u\n  user:\n    auth-provider:\n      config:\n        id-token: |\n          WAS\n        x: z\n", "|\n          WAS", `"NEW.id-token"`},
		{"folded, stripped", "users:\n- name: u\n  user:\n    auth-provider:\n      config:\n        id-token: >-\n          WAS\n          ET\n\n        # of x\n        x: z\n", ">-\n          WAS\n          ET", `"NEW.id-token"`},
		{"literal at the end", "users:\n- name: u\n  user:\n    auth-provider:\n      config:\n        id-token: |-\n          WAS", "|-\n          WAS", `"NEW.id-token"`},
		{"literal with an empty line", "users:\n- name: u\n  user:\n    auth-provider:\n      config:\n        id-token: |\n          WAS\n\n          ET\n        x: z\n", "|\n          WAS\n\n          ET", `"NEW.id-token"`},
		{"nothing", "users:\n- name: u\n  user:\n    auth-provider:\n      config:\n        id-token:\n        x: z\n", "id-token:\n", "id-token: \"NEW.id-token\"\n"},
		{"null", "users:\n- name: u\n  user:\n    auth-provider:\n      config:\n        id-token: ~\n", "~", `"NEW.id-token"`},
		{"JSON", `{"users":[{"name":"u","user":{"auth-provider":{"name":"oidc","config":{"id-token":"WAS","refresh-token":"x"}}}}]}`, `"WAS"`, `"NEW.id-token"`},
		{"JSON on lines", "{\n\t\"users\": [\n\t\t{\"name\": \"u\", \"user\": {\"auth-provider\": {\"config\": {\n\t\t\t\"id-token\": null\n\t\t}}}}\n\t]\n}\n", "null", `"NEW.id-token"`},
		{"no newline at the end", "users:\n- name: u\n  user:\n    auth-provider:\n      config:\n        id-token: WAS", "WAS", `"NEW.id-token"`},
		{"CRLF", "users:\r\n- name: u\r\n  user:\r\n    auth-provider:\r\n      config:\r\n        id-token: WAS\r\n        x: z\r\n", "WAS", `"NEW.id-token"`},
		{"a byte order mark", "\ufeffusers:\n- name: u\n  user: {auth-provider: {config: {id-token: WAS}}}\n", "WAS", `"NEW.id-token"`},
		{"a byte order mark on its line", "\ufeff{users: [{name: u, user: {auth-provider: {config: {id-token: WAS}}}}]}\n", "WAS", `"NEW.id-token"`},
		{"letters of several bytes", "users:\n- name: u\n  user: {é: \"äöü\u2028\", auth-provider: {config: {名: 前, id-token: WAS}}}\n", "WAS", `"NEW.id-token"`},
		{"anchors elsewhere", "x: &a {b: c}\ny: *a\nusers:\n- name: u\n  user: {z: *a, auth-provider: {config: {id-token: WAS}}}\n", "WAS", `"NEW.id-token"`},
		{"a number beside it", "users:\n- name: u\n  user: {z: 0x1F, auth-provider: {config: {id-token: WAS}}}\n", "WAS", `"NEW.id-token"`},

		{"a new field", "users:\n- name: u\n  user:\n    auth-provider:\n      config:\n        client-id: c\n        x: z\n", "        client-id", "        id-token: \"NEW.id-token\"\n        client-id"},
		{"a new field, CRLF", "users:\r\n- name: u\r\n  user:\r\n    auth-provider:\r\n      config:\r\n        client-id: c", "        client-id", "        id-token: \"NEW.id-token\"\n        client-id"},
		{"a new field behind one with a comment", "users:\n- name: u\n  user:\n    auth-provider:\n      config:\n        # who we are\n        client-id: c\n        x: z\n", "        x: z", "        id-token: \"NEW.id-token\"\n        x: z"},
		{"a new field in braces", "users: [{name: u, user: {auth-provider: {config: {client-id: c}}}}]\n", "client-id", `"id-token": "NEW.id-token", client-id`},
		{"a new field in JSON", `{"users":[{"name":"u","user":{"auth-provider":{"config":{"client-id":"c"}}}}]}`, `"client-id"`, `"id-token": "NEW.id-token", "client-id"`},
		{"a new field in JSON on lines", "{\"users\": [{\"name\": \"u\", \"user\": {\"auth-provider\": {\"config\": {\n\t\t\"client-id\": \"c\"\n\t}}}}]}\n", `"client-id"`, `"id-token": "NEW.id-token", "client-id"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f, err := parseFile("/k", []byte(test.before))
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.set(f.user("u"), field, fresh)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(test.before, test.was); n != 1 {
				t.Fatalf("%q is there %d times", test.was, n)
			}
			if diff := cmp.Diff(strings.Replace(test.before, test.was, test.is, 1), string(got.text)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if is := got.user("u").provider.config["id-token"]; is != fresh {
				t.Errorf("it reads %q", is)
			}
		})
	}
}

// What cannot be changed without touching something else is an error, with the line
// and the field in it.
func TestSetRefuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"the value is anchored":        "users:\n- name: u\n  user: {auth-provider: {config: {id-token: &a WAS, x: *a}}}\n",
		"the value is an alias":        "x: &a WAS\nusers:\n- name: u\n  user: {auth-provider: {config: {id-token: *a}}}\n",
		"it is in an alias":            "x: &a {id-token: WAS}\nusers:\n- name: u\n  user: {auth-provider: {config: *a}}\n",
		"it is in what is anchored":    "users:\n- name: u\n  user: {auth-provider: {config: &a {id-token: WAS}, x: *a}}\n",
		"the user is an alias":         "x: &a {auth-provider: {config: {id-token: WAS}}}\nusers:\n- name: u\n  user: *a\n- name: v\n  user: *a\n",
		"the element is an alias":      "x: &a {name: u, user: {auth-provider: {config: {id-token: WAS}}}}\nusers: [*a]\n",
		"the list is an alias":         "x: &a [{name: u, user: {auth-provider: {config: {id-token: WAS}}}}]\nusers: *a\n",
		"the list is anchored":         "users: &a [{name: u, user: {auth-provider: {config: {id-token: WAS}}}}]\nx: *a\n",
		"a tag":                        "users:\n- name: u\n  user: {auth-provider: {config: {id-token: !!str WAS}}}\n",
		"plain on two lines":           "users:\n- name: u\n  user:\n    auth-provider:\n      config:\n        id-token: WAS\n          SO\n",
		"a comment in a literal":       "users:\n- name: u\n  user:\n    auth-provider:\n      config:\n        id-token: | # keep\n          WAS\n        x: z\n",
		"a new field with no siblings": "users:\n- name: u\n  user: {auth-provider: {config: {}}}\n",
		"a new field, all comments":    "users:\n- name: u\n  user:\n    auth-provider:\n      config:\n        # who we are\n        client-id: c\n",
		"no config":                    "users:\n- name: u\n  user: {auth-provider: {name: oidc}}\n",
		"no auth-provider":             "users:\n- name: u\n  user: {token: x}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := parseFile("/k", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.set(f.user("u"), field, fresh)
			if err == nil {
				t.Fatalf("it is now %s", got.text)
			}
			t.Log(err)
			for _, want := range []string{"kubeconfig: /k, line ", ": users[0].user", "kubectl config set-credentials"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), "WAS") || strings.Contains(err.Error(), fresh) {
				t.Errorf("%v, which has a token in it", err)
			}
		})
	}
}

// A wish is granted if what it wants has changed, and nothing else.
func TestGranted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		old, new string // the wish is that m.a be "x"
		want     bool
	}{
		{`{m: {a: 1, b: 2}}`, `{m: {a: "x", b: 2}}`, true},
		{`{m: {a: 1, b: 2}}`, `{m: {a: x, b: 2}}`, true},
		{`{m: {a: 1, b: 2}}`, `{m: {a: "y", b: 2}}`, false},
		{`{m: {a: 1, b: 2}}`, `{m: {a: !y x, b: 2}}`, false},
		{`{m: {a: 1, b: 2}}`, `{m: {a: [x], b: 2}}`, false},
		{`{m: {a: 1, b: 2}}`, `{m: {a: "x", b: 3}}`, false},
		{`{m: {a: 1, b: 2}}`, `{m: {b: 2, a: "x"}}`, false},
		{`{m: {a: 1, b: 2}}`, `{m: {b: 2}}`, false},
		{`{m: {a: 1}}`, `{m: {a: "x", c: 3}}`, false},
		{`{m: {a: 1}}`, `{m: {&y a: "x"}}`, false},
		{`{m: {a: 1}, l: [1]}`, `{m: {a: "x"}, l: [1, 2]}`, false},
		{`{m: {a: 1}, l: [1]}`, `{m: {a: "x"}, l: []}`, false},
		{`{m: {a: 1}, l: [1]}`, `{m: {a: "x"}}`, false},
		{`{m: {b: 2, c: 3}}`, `{m: {b: 2, a: "x", c: 3}}`, true},
		{`{m: {b: 2}}`, `{m: {b: 2, a: "x", c: 3}}`, false},
		{`{m: {b: 2}}`, `{m: {a: "y", b: 2}}`, false},
		{`{m: {b: 2}}`, `{m: {a: "x", b: 3}}`, false},
		{`{m: {b: 2}}`, `{m: {&y a: "x", b: 2}}`, false},
		{`{m: {b: 2}}`, `{m: {a: &y "x", b: 2}}`, false},
	} {
		old, err1 := parse([]byte(test.old))
		new, err2 := parse([]byte(test.new))
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		w := wish{at: old.Content[0].Content[1], name: "a", value: "x"}
		if got := w.granted(old, new); got != test.want {
			t.Errorf("%s to %s is granted: %t, want %t", test.old, test.new, got, test.want)
		}
	}
}

// All that a document holds counts.
func TestAlike(t *testing.T) {
	t.Parallel()
	for i, other := range []yaml.Node{
		{Kind: yaml.AliasNode}, {Style: yaml.FlowStyle}, {Tag: "x"}, {Value: "x"}, {Anchor: "x"}, {HeadComment: "x"}, {LineComment: "x"}, {FootComment: "x"},
	} {
		if alike(&yaml.Node{}, &other) {
			t.Errorf("%d: they are said to be alike", i)
		}
	}
	if !alike(&yaml.Node{Line: 1, Column: 1}, &yaml.Node{Line: 2, Column: 2}) {
		t.Error("it counts where they are")
	}
}

// What Windows writes is read as kubectl reads it, and is not changed.
func TestSetUTF16(t *testing.T) {
	t.Parallel()
	text := "\xff\xfe"
	for _, c := range "users: [{name: u, user: {auth-provider: {config: {id-token: WAS}}}}]\n" {
		text += string(c) + "\x00"
	}
	f, err := parseFile("/k", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.set(f.user("u"), field, fresh); err == nil || !strings.Contains(err.Error(), "save it as UTF-8") {
		t.Error(err)
	}
}

// Values come out as they went in, whatever is in them.
func TestSetAnyText(t *testing.T) {
	t.Parallel()
	f, err := parseFile("/k", []byte("users:\n- name: u\n  user: {auth-provider: {config: {id-token: x}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", " ", "true", "1", "~", "null", "<&>", "a: b # c", `\ " '`, "ä\u2028\U0001F600", "line\nline\ttab", "<<", "{", "- x", "\x01"} {
		got, err := f.set(f.user("u"), field, text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if is := got.user("u").provider.config["id-token"]; is != text {
			t.Errorf("%q came out as %q", text, is)
		}
	}
}
