// Package kubeconfig holds package kube/kubeconfig against the code of kubectl: what a
// file means, what is sent of it, and how it is locked.
package kubeconfig_test

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tokenlife/tokenlife/kube/kubeconfig"
)

// theirs are the users that kubectl reads.
func theirs(t *testing.T, files kubeconfig.Files) (*clientcmdapi.Config, error) {
	t.Helper()
	t.Setenv("KUBECONFIG", strings.Join(files, string(filepath.ListSeparator)))
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.MigrationRules = nil
	return rules.Load()
}

// A plain is a user as both can be asked for it.
type plain struct {
	Name, File, Token, TokenFile, As string
	Command, APIVersion, Hint        string
	Args, Env                        []string
	Issuer, ClientID, Server         string
	Refreshable                      bool
}

func plainOf(u kubeconfig.User) plain {
	p := plain{
		Name: u.Name, File: u.File, Token: u.Token.Value.Reveal(), TokenFile: u.TokenFile, As: u.As,
		Issuer: u.Issuer, ClientID: u.ClientID, Refreshable: u.Refreshable,
	}
	if x := u.Exec; x != nil {
		p.Command, p.APIVersion, p.Hint, p.Args, p.Env = x.Command, x.Request.APIVersion, x.InstallHint, x.Args, x.Env
		if x.Request.Cluster != nil {
			p.Server = x.Request.Cluster.Server
		}
	}
	return p
}

func plainOfTheirs(all *clientcmdapi.Config, name string) plain {
	a := all.AuthInfos[name]
	p := plain{Name: name, File: a.LocationOfOrigin, Token: a.Token, TokenFile: a.TokenFile, As: a.Impersonate}
	if x := a.Exec; x != nil {
		p.Command, p.APIVersion, p.Hint, p.Args = x.Command, x.APIVersion, x.InstallHint, x.Args
		for _, v := range x.Env {
			p.Env = append(p.Env, v.Name+"="+v.Value)
		}
		for _, c := range all.Contexts {
			if x.ProvideClusterInfo && c.AuthInfo == name {
				p.Server = all.Clusters[c.Cluster].Server
			}
		}
	}
	if a.AuthProvider != nil {
		c := a.AuthProvider.Config
		p.Issuer, p.ClientID, p.Refreshable = c["idp-issuer-url"], c["client-id"], c["refresh-token"] != ""
		if p.Token == "" {
			p.Token = c["id-token"]
		}
	}
	return p
}

// What kubectl reads is read alike. Where the two differ, kubectl is the one that reads
// what may mean something else.
func TestReadsAsKubectl(t *testing.T) { // alone, since it sets the environment
	full := `apiVersion: v1
kind: Config
preferences: {}
current-context: one
contexts:
- {name: one, context: {cluster: c, user: a, namespace: ns}}
- context: {cluster: c, user: c}
  name: two
clusters:
- name: c
  cluster: {server: https://h, certificate-authority: ca.crt}
users:
- name: a
  user:
    token: t
    as: root
    as-groups: [x]
- name: b
  user: {client-certificate: c.crt, client-key: /abs/k, client-certificate-data: "Y2VydA==", client-key-data: a2V5}
- name: c
  user:
    exec:
      command: ./plugin
      apiVersion: client.authentication.k8s.io/v1beta1
      args: [a, "b c"]
      env: [{name: N, value: v}]
      installHint: get it
      provideClusterInfo: true
      unknown: 1
- name: d
  user: {exec: {command: plugin, apiVersion: x, args: null, env: null, interactiveMode: Never}}
- name: e
  user: {auth-provider: {name: oidc, config: {id-token: a, client-id: "", refresh-token: null}}}
- name: f
  user: {username: u, password: p}
- name: j
  user: {tokenFile: sub/token}
- {name: g}
- {name: h, user: null}
- {name: i, user: {token: 2026-01-02, password: null}}
`
	for _, test := range []struct {
		name  string
		files []string // their texts; "-" is one that is not there
		ours  string   // in our error, where kubectl has none
	}{
		{name: "all of it", files: []string{full}},
		{name: "with line ends of Windows", files: []string{strings.ReplaceAll(full, "\n", "\r\n")}},
		{name: "the first that defines a user counts", files: []string{"-", "users:\n- {name: a, user: {token: first}}\n", full}},
		{name: "the first current context counts", files: []string{"users: []\n", "current-context: two\n", full}},
		{name: "nothing", files: []string{""}},
		{name: "a comment", files: []string{"# nothing\n"}},
		{name: "null", files: []string{"null\n"}},
		{name: "no version", files: []string{"users: [{name: a, user: {token: x}}]\n"}},
		{name: "JSON", files: []string{`{"apiVersion":"v1","kind":"Config","users":[{"name":"a","user":{"token":"x"}}]}`}},
		{name: "JSON with tabs", files: []string{"{\n\t\"users\": [\n\t\t{\"name\": \"a\", \"user\": {\"token\": \"x\"}}]}"}},
		{name: "an alias", files: []string{"x: &a {token: x}\nusers: [{name: a, user: *a}, {name: b, user: *a}]\n"}},
		{name: "an empty name of a version", files: []string{"apiVersion: \"\"\nkind: \"\"\n"}},
		{name: "a byte order mark", files: []string{"\ufeffusers: [{name: a, user: {token: x}}]\n"}},
		{name: "base64 on lines", files: []string{"users:\n- name: a\n  user:\n    client-key-data: |\n      a2V5\n      a2V5\n"}},
		{name: "another case", files: []string{"Users: [{name: a, user: {token: x}}]\nusers: [{name: b, user: {Token: x}}]\n"}},
		{name: "other kind", files: []string{"kind: Secret\n"}},
		{name: "other version", files: []string{"apiVersion: v2\nkind: Config\n"}},
		{name: "no mapping", files: []string{"- a\n"}},
		{name: "users is no list", files: []string{"users: {a: b}\n"}},
		{name: "a token that is a number", files: []string{"users: [{name: a, user: {token: 1}}]\n"}},
		{name: "a token that is a boolean", files: []string{"users: [{name: a, user: {token: true}}]\n"}},
		{name: "a config value that is a number", files: []string{"users: [{name: a, user: {auth-provider: {config: {id-token: 1}}}}]\n"}},
		{name: "not base64", files: []string{"users: [{name: a, user: {client-key-data: \"*\"}}]\n"}},
		{name: "a name twice", files: []string{"users: [{name: a}, {name: a}]\n"}},
		{name: "a context twice", files: []string{"contexts: [{name: a}, {name: a}]\n"}},
		{name: "a truth that is a text", files: []string{"users: [{name: a, user: {exec: {provideClusterInfo: \"true\"}}}]\n"}},
		{name: "a token that was a boolean in YAML 1.1", files: []string{"users: [{name: a, user: {token: No}}]\n"}},
		{name: "a truth of YAML 1.1", files: []string{"users: [{name: a, user: {exec: {command: c, provideClusterInfo: on}}}]\n"}},
		{name: "UTF-16", files: []string{"\xff\xfeu\x00s\x00e\x00r\x00s\x00:\x00 \x00[\x00]\x00\n\x00"}},
		{name: "quoted keys", files: []string{"\"users\":\n- 'name': a\n  \"user\": {'token': x}\n"}},
		{name: "keys with question marks", files: []string{"? users\n: - name: a\n    ? user\n    : ? token\n      : x\n"}},
		{name: "comments wherever there may be some", files: []string{"# a\n\nusers: # b\n  # c\n- # d\n  name: a # e\n # f\n  user: # g\n    token: # h\n      # i\n      x#y # j\n   # k\n# l\n- name: b\n"}},
		{name: "tabs behind colons", files: []string{"users:\t\n- name:\ta\n  user:\n    token:\tx\t# y\n"}},
		{name: "anchors everywhere", files: []string{"users: &l\n- &e {name: a, user: &u {token: &t x}}\n- {name: b, user: *u}\n- {name: *t, user: {token: *t}}\nx: *l\n"}},
		{name: "one long line", files: []string{`{"users":[{"name":"a","user":{"token":"x","client-key-data":"` + strings.Repeat("QUJD", 50000) + `"}},{"name":"b","user":{"token":"` + strings.Repeat("x", 5000) + `"}}]}`}},
		{name: "escapes of JSON", files: []string{`{"users":[{"name":"a","user":{"token":"a\/b\u00e9\ud83d\ude00"}}]}`}},
		{name: "texts on several lines", files: []string{"users:\n- name: a\n  user:\n    token: >-\n      x\n      y\n- name: b\n  user:\n    token: x\n      y\n- name: c\n  user:\n    token: 'x\n\n      y'\n"}},
		{name: "line ends of old Macs", files: []string{"users:\r- name: a\r  user: {token: x}\r"}},
		{name: "a beginning and an end", files: []string{"%YAML 1.1\n---\nusers: [{name: a}]\n...\n# z\n"}},
		{name: "commas too many", files: []string{"users: [{name: a, user: {token: x,},},]\n"}},
		{name: "what looks like a number, and is none", files: []string{"users: [{name: a, user: {token: 1:30}}, {name: b, user: {token: 1,000}}, {name: c, user: {token: 0x}}, {name: d, user: {token: 1e}}]\n"}},
		{name: "a text by its tag", files: []string{"users: [{name: a, user: {token: !!str 1}}]\n"}},
		{name: "nulls", files: []string{"users: [{name: a, user: {token: Null}}, {name: b, user: {token: NULL, exec: ~}}, {name: c, user: {exec: {}}}, {name: d, user: {exec: {args: [~], env: [{name: N}]}}}, {name: e, user: {auth-provider: {config: ~}}}]\ncontexts: [{name: a, context: ~}]\nclusters:\n"}},
		{name: "octal", files: []string{"users: [{name: a, user: {token: 0o14}}]\n"}},
		{name: "digits in groups", files: []string{"users: [{name: a, user: {token: 1_000}}]\n"}},
		{name: "no number, as a number", files: []string{"users: [{name: a, user: {token: .NaN}}]\n"}},
		{name: "yes in one letter", files: []string{"users: [{name: a, user: {token: y}}]\n"}},
		{name: "base64 of URLs", files: []string{"users: [{name: a, user: {client-key-data: _-8=}}]\n"}},
		{name: "base64 without padding", files: []string{"users: [{name: a, user: {client-key-data: YQ}}]\n"}},
		{name: "a namespace that is a number", files: []string{"contexts: [{name: a, context: {namespace: 1}}]\n"}},
		{name: "a UID that is a number", files: []string{"users: [{name: a, user: {as: x, as-uid: 1}}]\n"}},
		{name: "a group that is a number", files: []string{"users: [{name: a, user: {as: x, as-groups: [1]}}]\n"}},
		{name: "groups that are one", files: []string{"users: [{name: a, user: {as: x, as-groups: y}}]\n"}},
		{name: "a NUL", files: []string{"users: []\x00\n"}},
		{name: "the first's fields are all a user has", files: []string{"users: [{name: a, user: {token: first}}]\n", "users: [{name: a, user: {token: second, as: root, exec: {command: c}}}, {name: b}]\n"}},
		{name: "a context of the first, for a user of the second", files: []string{"current-context: x\ncontexts: [{name: x, context: {user: b}}]\n", "contexts: [{name: x, context: {user: a}}]\nusers: [{name: a}, {name: b}]\n"}},
		{name: "a file of nothing among others", files: []string{"", full, "# nothing\n"}},
		{name: "broken", files: []string{"users: [\n"}},
		{name: "broken behind a good one", files: []string{full, "users: [\n"}},

		{name: "all missing", files: []string{"-", "-"}, ours: "there is no "},
		{name: "a field twice", files: []string{"users: [{name: a, user: {token: x, token: z}}]\n"}, ours: "is there already"},
		{name: "a merge", files: []string{"x: &a {token: x}\nusers: [{name: a, user: {<<: *a}}]\n"}, ours: "merges"},
		{name: "no name", files: []string{"users: [{user: {token: x}}]\n"}, ours: "missing"},
		{name: "a second document of nothing", files: []string{"users: []\n---\n"}, ours: "second document"},
		{name: "two documents", files: []string{"users: []\n---\nusers: []\n"}, ours: "second document"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			var files kubeconfig.Files
			for i, text := range test.files {
				path := filepath.Join(dir, string(rune('a'+i)))
				files = append(files, path, "")
				if text == "-" {
					continue
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, theirErr := theirs(t, files)
			got, ourErr := kubeconfig.Default().Inspect()
			switch {
			case test.ours != "":
				if ourErr == nil || !strings.Contains(ourErr.Error(), test.ours) {
					t.Errorf("%v, want %q", ourErr, test.ours)
				}
				if theirErr != nil {
					t.Errorf("kubectl: %v", theirErr)
				}
				return
			case (theirErr == nil) != (ourErr == nil):
				t.Fatalf("kubectl: %v\nwe:      %v", theirErr, ourErr)
			case ourErr != nil:
				t.Logf("kubectl: %v\nwe:      %v", theirErr, ourErr)
				return
			}
			for _, u := range got {
				if a, b := plainOfTheirs(want, u.Name), plainOf(u); !reflect.DeepEqual(a, b) {
					t.Errorf("kubectl: %+v\nwe:      %+v", a, b)
				}
				for _, name := range u.Contexts {
					if c := want.Contexts[name]; c == nil || c.AuthInfo != u.Name {
						t.Errorf("context %s is said to be for %s, and is %+v", name, u.Name, c)
					}
					if u.Current != slices.Contains(u.Contexts, want.CurrentContext) {
						t.Errorf("%s is current: %t", u.Name, u.Current)
					}
				}
				delete(want.AuthInfos, u.Name)
			}
			if len(want.AuthInfos) > 0 {
				t.Errorf("kubectl also knows %v", slices.Collect(maps.Keys(want.AuthInfos)))
			}
		})
	}
}

// What is relative in a file is relative to the folder in which KUBECONFIG has it, and
// that may be relative too, or a link.
func TestReadsPathsAsKubectl(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	text := func(user string) []byte {
		return []byte("users:\n- name: " + user + "\n  user: {tokenFile: ../t, exec: {command: sub/plugin}}\n- name: " + user + "2\n  user: {tokenFile: ~/t, exec: {command: plugin}}\n")
	}
	for _, err := range []error{
		os.MkdirAll("a/b", 0o700),
		os.WriteFile("a/b/config", text("u"), 0o600),
		os.WriteFile("config", text("v"), 0o600),
		os.WriteFile("a/real", text("w"), 0o600),
		os.Symlink("../real", "a/b/link"),
		os.Symlink("a/b/config", "again"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	files := kubeconfig.Files{"a/b/config", "./config", "none", filepath.Join(dir, "a", "b", "link"), "again", "a/b/config"}
	want, err := theirs(t, files)
	if err != nil {
		t.Fatal(err)
	}
	got, err := kubeconfig.Default().Inspect()
	if err != nil || len(got) != 6 || len(want.AuthInfos) != 6 {
		t.Fatalf("%d users, to kubectl %d, %v", len(got), len(want.AuthInfos), err)
	}
	for _, u := range got {
		if a, b := plainOfTheirs(want, u.Name), plainOf(u); !reflect.DeepEqual(a, b) {
			t.Errorf("kubectl: %+v\nwe:      %+v", a, b)
		}
	}
}

// kubectl reads a field that Forget has cleared as if it were not there.
func TestClearedIsAbsentToKubectl(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	text := "users:\n- name: a\n  user: {token: \"\", auth-provider: {name: oidc, config: {id-token: \"\", refresh-token: \"\"}}}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := theirs(t, kubeconfig.Files{path})
	if err != nil {
		t.Fatal(err)
	}
	if a := all.AuthInfos["a"]; a.Token != "" || a.AuthProvider.Config["id-token"] != "" || a.AuthProvider.Config["refresh-token"] != "" {
		t.Errorf("%+v", a)
	}
}
