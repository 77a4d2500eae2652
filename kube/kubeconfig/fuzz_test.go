package kubeconfig

import (
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// seeds are kubeconfigs, and what is nearly one.
var seeds = []string{
	"",
	"apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts:\n- name: a\n  context: {cluster: c, user: u}\nclusters:\n- name: c\n  cluster:\n    server: https://h\n    extensions:\n    - name: client.authentication.k8s.io/exec\n      extension: {a: [1, 2]}\nusers:\n- name: u\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: c\n      args: [a, b]\n      env:\n      - {name: N, value: v}\n      provideClusterInfo: true\n      interactiveMode: Never\n",
	"users:\n- name: u\n  user: # c\n    token: |\n      a\n      b\n    auth-provider:\n      name: oidc\n      config:\n        # of it\n        id-token: x\n        client-id: 'y'\n",
	"users:\r\n- name: u\r\n  user:\r\n    auth-provider: {config: {id-token: \"a\\\"\", é: b}}\r\n",
	`{"users":[{"name":"u","user":{"token":"t","auth-provider":{"name":"oidc","config":{"id-token":"a","refresh-token":null}}}}]}`,
	"users: &a\n- name: u\n  user: &b {token: t, <<: *b}\n- *a\n",
	"users:\n- name: u\n  user:\n    auth-provider:\n      config:\n        id-token:\n        ? x\n        : >-2\n           y\n---\n",
	"\ufeffusers: [{name: u, user: {auth-provider: {config: !!map {id-token: !!str 1}}}}]",
}

// Nothing that a kubeconfig may hold ends in a panic, and no error is long.
func FuzzRead(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		one, err := parseFile("/k", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "kubeconfig: /k") || len(err.Error()) > 500 {
				t.Errorf("%v", err)
			}
			return
		}
		all := &config{}
		all.add(one)
		all.join()
		for _, e := range all.users.order {
			// What a made-up file names is not opened.
			e.tokenFile, e.certFile, e.keyFile = "", "", ""
			for _, c := range all.clusters.order {
				c.caFile = ""
			}
			if e.exec != nil {
				e.exec.command = "kubectl-nothing"
			}
			u := all.inspect(e)
			if u.Name != e.name || u.Outlook() == "" {
				t.Errorf("%v", u)
			}
			for _, p := range u.Problems {
				if len(p) > 2000 {
					t.Errorf("%s", p)
				}
			}
		}
	})
}

// A field either cannot be changed, or is all that has changed.
func FuzzSet(f *testing.F) {
	for _, s := range seeds {
		for _, field := range []string{"token", "auth-provider.config.id-token", "auth-provider.config.refresh-token"} {
			f.Add([]byte(s), field, "new value")
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, field, value string) {
		old, err := parseFile("/k", text)
		if err != nil || len(old.users) == 0 {
			return
		}
		switch field {
		case "token", "auth-provider.config.id-token", "auth-provider.config.refresh-token":
		default:
			field = "auth-provider.config.id-token"
		}
		u := &old.users[0]
		changed, err := old.set(u, field, value)
		if err != nil {
			return
		}
		was, is := plainly(t, old.text), plainly(t, changed.text)
		if was == nil || strings.Contains(strings.ToLower(string(text)), ".nan") { // which is not equal to itself
			return
		}
		for _, all := range was["users"].([]any) {
			e := all.(map[string]any)
			if e["name"] == u.name {
				putAny(e["user"].(map[string]any), strings.Split(field, "."), value)
			}
		}
		if !reflect.DeepEqual(was, is) {
			t.Errorf("%s = %q made\n%s\nof\n%s", field, value, changed.text, old.text)
		}
		// All that was there before the value and behind it is there.
		if a, b := len(common(old.text, changed.text)), 0; a < len(old.text) {
			b = len(common(reversed(old.text[a:]), reversed(changed.text[a:])))
			if gone := old.text[a : len(old.text)-b]; strings.Contains(string(gone), "\n#") {
				t.Errorf("%q is gone", gone)
			}
		}
	})
}

// plainly returns what a document holds, or nil if it cannot be told in that way.
func plainly(t *testing.T, text []byte) map[string]any {
	var all map[string]any
	if err := yaml.Unmarshal(text, &all); err != nil {
		t.Log(err)
		return nil
	}
	return all
}

func putAny(m map[string]any, path []string, value string) {
	if len(path) == 1 {
		m[path[0]] = value
		return
	}
	putAny(m[path[0]].(map[string]any), path[1:], value)
}

func common(a, b []byte) []byte {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

func reversed(b []byte) []byte {
	r := make([]byte, len(b))
	for i, c := range b {
		r[len(b)-1-i] = c
	}
	return r
}
