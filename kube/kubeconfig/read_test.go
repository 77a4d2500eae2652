package kubeconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// put writes a kubeconfig, and returns its path.
func put(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A file that is no kubeconfig is an error with the file, the line and the field in it,
// and nothing of what is in the file.
func TestReadFaults(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for name, test := range map[string]struct{ text, want string }{
		"not closed":             {"users:\n- name: a\n  user: {token: hunter2\n", "near line 2: not valid YAML"},
		"a tab":                  {"users:\n\t- name: hunter2\n", "near line 2: not valid YAML"},
		"unknown anchor":         {"users:\n- name: a\n  user:\n    password: *hunter2\n", "line 4: a value begins with *"},
		"control characters":     {"users: hunter2\x01\n", "near line 1: not valid YAML"},
		"bad UTF-8":              {"users: hunter2\xff\n", "near line 1: not valid YAML"},
		"a tag of its own":       {"%TAG ! hunter2:\n---\nusers: !hunter2!x y\n", "near line 2: not valid YAML"},
		"a tag":                  {"users:\n- name: a\n  user:\n    token: !hunter2 x\n", "line 4: users[0].user.token: a value with a tag"},
		"binary":                 {"users:\n- name: a\n  user:\n    token: !!binary aHVudGVyMg==\n", "line 4: users[0].user.token: a value with a tag"},
		"two documents":          {"users: []\n---\ntoken: hunter2\n", "second document"},
		"no fields":              {"hunter2\n", "line 1: the document: one value, where fields belong"},
		"a list":                 {"- hunter2\n", "line 1: the document: a list, where fields belong"},
		"another kind":           {"kind: hunter2\n", "line 1: kind: not Config"},
		"another version":        {"\napiVersion: hunter2\n", "line 2: apiVersion: not v1"},
		"users are no list":      {"users:\n  a: hunter2\n", "line 2: users: fields, where a list belongs"},
		"a user is no mapping":   {"users:\n- name: a\n- hunter2\n", "line 3: users[1]: one value, where fields belong"},
		"user is no mapping":     {"users:\n- name: a\n  user: hunter2\n", "line 3: users[0].user: one value, where fields belong"},
		"no name":                {"users:\n- user: {token: hunter2}\n", "line 2: users[0].name: missing"},
		"a user twice":           {"users:\n- name: hunter2\n- name: hunter2\n", "line 3: users[1].name: a name that is there already, on line 2"},
		"a context twice":        {"contexts:\n- name: hunter2\n- name: hunter2\n", "line 3: contexts[1].name: a name that is there already, on line 2"},
		"a cluster twice":        {"clusters:\n- name: hunter2\n- name: hunter2\n", "line 3: clusters[1].name: a name that is there already, on line 2"},
		"a field twice":          {"users:\n- name: a\n  user:\n    token: hunter2\n    token: b\n", "line 5: users[0].user: a field that is there already, on line 4"},
		"a config field twice":   {"users:\n- name: a\n  user:\n    auth-provider:\n      config:\n        hunter2: x\n        hunter2: y\n", "line 7: users[0].user.auth-provider.config: a field that is there already, on line 6"},
		"a merge":                {"users:\n- name: a\n  user:\n    <<: {token: hunter2}\n", "line 4: users[0].user: the key << merges"},
		"a key that is no word":  {"users:\n- name: a\n  user:\n    ? [hunter2]\n    : x\n", "line 4: users[0].user: a key that is no word"},
		"a number":               {"users:\n- name: a\n  user:\n    token: 4711\n", "line 4: users[0].user.token: a number or a boolean"},
		"a word of YAML 1.1":     {"users:\n- name: a\n  user:\n    token: No\n", "line 4: users[0].user.token: a boolean to kubectl"},
		"a quoted truth":         {"users:\n- name: a\n  user:\n    exec:\n      provideClusterInfo: 'yes'\n", "line 5: users[0].user.exec.provideClusterInfo: one value, where true or false belongs"},
		"a list for a token":     {"users:\n- name: a\n  user:\n    token: [hunter2]\n", "line 4: users[0].user.token: a list, where a text belongs"},
		"not base64":             {"users:\n- name: a\n  user:\n    client-key-data: hunter2!\n", "line 4: users[0].user.client-key-data: not the base64"},
		"args are no list":       {"users:\n- name: a\n  user:\n    exec:\n      args: hunter2\n", "line 5: users[0].user.exec.args: one value, where a list belongs"},
		"an arg is a number":     {"users:\n- name: a\n  user:\n    exec:\n      args: [x, 4711]\n", "line 5: users[0].user.exec.args[1]: a number"},
		"env without a name":     {"users:\n- name: a\n  user:\n    exec:\n      env: [{value: hunter2}]\n", "line 5: users[0].user.exec.env[0].name: missing"},
		"a truth that is a text": {"users:\n- name: a\n  user:\n    exec:\n      provideClusterInfo: hunter2\n", "line 5: users[0].user.exec.provideClusterInfo: one value, where true or false belongs"},
		"a config value":         {"users:\n- name: a\n  user:\n    auth-provider:\n      config: {hunter2: 1}\n", "line 5: users[0].user.auth-provider.config.*: a number"},
		"a server":               {"clusters:\n- name: a\n  cluster: {server: [hunter2]}\n", "line 3: clusters[0].cluster.server: a list"},
		"a namespace":            {"contexts:\n- name: a\n  context:\n    namespace: 4711\n", "line 4: contexts[0].context.namespace: a number"},
		"a UID":                  {"users:\n- name: a\n  user: {as: x, as-uid: 4711}\n", "line 3: users[0].user.as-uid: a number"},
		"groups are no list":     {"users:\n- name: a\n  user: {as: x, as-groups: hunter2}\n", "line 3: users[0].user.as-groups: one value, where a list belongs"},
		"a group is a number":    {"users:\n- name: a\n  user: {as: x, as-groups: [4711]}\n", "line 3: users[0].user.as-groups[0]: a number"},
		"a current context":      {"current-context: {a: hunter2}\n", "line 1: current-context: fields, where a text belongs"},
		"deep":                   {"x: " + strings.Repeat("[", 70) + "hunter2" + strings.Repeat("]", 70) + "\n", "nested more than 64 deep"},
		"much":                   {"x: [" + strings.Repeat("hunter2,", maxMarks) + "]\n", "far more in it"},
		"long":                   {"x: hunter2" + strings.Repeat(" ", maxFile), "more than 4194304 bytes; is it the right file?"},
		"an alias in itself":     {"users: &a\n- name: a\n  user: *a\n", "line 3: users[0].user: a list, where fields belong"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := put(t, test.text)
			_, err := Files{path}.Inspect()
			if err == nil || !strings.HasPrefix(err.Error(), "kubeconfig: "+path) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%v\nwant %q and %q", err, path, test.want)
			}
			said := strings.ReplaceAll(err.Error(), path, "") // which may have any number in it
			for _, not := range []string{secret, "4711", "aHVudGVyMg"} {
				if strings.Contains(said, not) {
					t.Errorf("%v, which has a secret in it", err)
				}
			}
			// All that reads says the same, and changes nothing.
			_, userErr := Files{path}.User("a")
			_, forgetErr := Files{path}.Forget(t.Context(), "a")
			_, updateErr := Files{path}.update(t.Context(), "a", func(map[string]string) (map[string]string, error) {
				t.Error("update asked for a change")
				return nil, nil
			})
			for _, e := range []error{userErr, forgetErr, updateErr} {
				if e == nil || e.Error() != err.Error() {
					t.Errorf("%v, want %v", e, err)
				}
			}
			if now, err := os.ReadFile(path); err != nil || string(now) != test.text {
				t.Errorf("the file has changed: %v", err)
			}
			if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
				t.Errorf("there are %d files, %v", len(names), err)
			}
		})
	}
}

// Much of what an alias stands for is not made of it.
func TestReadAliases(t *testing.T) {
	t.Parallel()
	text := "a0: &a0 [x, x]\n"
	for i := range 40 {
		prev, next := string(rune('A'+i/10))+string(rune('0'+i%10)), string(rune('A'+(i+1)/10))+string(rune('0'+(i+1)%10))
		if i == 0 {
			prev = "a0"
		}
		text += "x" + next + ": &" + next + " [*" + prev + ", *" + prev + "]\n"
	}
	text += "clusters:\n- name: c\n  cluster: {server: s, extensions: [{name: client.authentication.k8s.io/exec, extension: *E0}]}\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
	text += "users: [{name: u, user: {exec: {command: c, provideClusterInfo: true, args: *E0}}}]\n"
	path := put(t, text)
	if _, err := (Files{path}).Inspect(); err == nil || !strings.Contains(err.Error(), "users[0].user.exec.args[0]: a list") {
		t.Errorf("%v", err)
	}
	path = put(t, strings.Replace(text, ", args: *E0", "", 1))
	u, err := Files{path}.User("u")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(u.Problems, "\n"), "cannot be written as JSON") {
		t.Errorf("%q", u.Problems)
	}
}

// What is no file, such as a pipe, is not opened.
func TestReadFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := (Files{dir}).Inspect(); err == nil || err.Error() != "kubeconfig: "+dir+" is not a regular file; name one, since it is read more than once" {
		t.Errorf("%v", err)
	}
}
