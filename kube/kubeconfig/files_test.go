package kubeconfig

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What several files define is as the first has it, and what is wrong with that is
// said.
func TestInspectFiles(t *testing.T) {
	t.Parallel()
	first := put(t, "current-context: \"\"\nusers:\n- {name: a, user: {token: first}}\ncontexts:\n- {name: x, context: {cluster: k, user: a}}\n")
	second := put(t, "current-context: z\nusers:\n- {name: a, user: {token: second}}\n- {name: b, user: {token: second, as: root}}\ncontexts:\n- {name: x, context: {cluster: k, user: b}}\n- {name: z, context: {cluster: k, user: c}}\n- {name: w, context: {cluster: l, user: b}}\n- {name: v, context: {user: b}}\nclusters:\n- {name: k, cluster: {server: \"HTTP://k\"}}\n")
	files := Files{"", first, filepath.Join(t.TempDir(), "absent"), second, first}
	users, err := files.Inspect()
	if err != nil {
		t.Fatal(err)
	}
	type brief struct {
		Name, File, Token, As string
		Contexts              []string
		Current               bool
		Problems              []string
	}
	var got []brief
	for _, u := range users {
		got = append(got, brief{u.Name, u.File, u.Token.Value.Reveal(), u.As, u.Contexts, u.Current, u.Problems})
	}
	http := func(name string) string {
		return "the context " + name + " is for a cluster at http://, where kubectl sends no credential: is it not at https://?"
	}
	if diff := cmp.Diff([]brief{
		{"a", first, "first", "", []string{"x"}, false, []string{http("x"), second + " defines this user too, and does not count, since " + first + " comes first: remove one of them"}},
		{"b", second, "second", "root", []string{"w", "v"}, false, []string{
			"the context w is for the cluster l, which no file defines: choose another with kubectl config set-context w --cluster=...",
			"the context v is for no cluster: name one with kubectl config set-context v --cluster=...",
		}},
		{"c", "", "", "", []string{"z"}, true, []string{http("z"), "the context z is for this user, which no file defines: define it with kubectl config set-credentials c"}},
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A file that is named twice defines nothing twice, whatever its names.
func TestInspectFileTwice(t *testing.T) {
	t.Parallel()
	path := put(t, "users: [{name: a}]\n")
	files := Files{path, filepath.Dir(path) + "/../" + filepath.Base(filepath.Dir(path)) + "/config"}
	if link := path + "-link"; os.Symlink(path, link) == nil {
		files = append(files, link)
	}
	users, err := files.Inspect()
	if err != nil || len(users) != 1 || len(users[0].Problems) != 0 || users[0].File != path {
		t.Errorf("%+v, %v", users, err)
	}
}

// A user that several contexts name, and no file defines, is one.
func TestInspectUndefined(t *testing.T) {
	t.Parallel()
	users, err := Files{put(t, "contexts: [{name: x, context: {user: u}}, {name: z, context: {user: u}}]\n")}.Inspect()
	if err != nil || len(users) != 1 || len(users[0].Contexts) != 2 {
		t.Errorf("%+v, %v", users, err)
	}
}

// A user that is not there is an error that says which are.
func TestUserErrors(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "absent")
	for _, test := range []struct{ name, text, user, want string }{
		{"another", "users:\n- {name: a}\n- {name: \"b c\"}\n", "d", `the user "d" is not there in FILE; there is "a", "b c"`},
		{"none", "users: []\n", "d", `the user "d" is not there in FILE, nor any other user`},
		{"no current context", "users:\n- {name: a}\n", "", "FILE has no current-context: name the user"},
		{"another current context", "current-context: x\n", "", `FILE has the current-context "x", which it does not define`},
		{"a context of nobody", "current-context: x\ncontexts: [{name: x}]\n", "", `the context "x" is for no user: name one with kubectl config set-context x --user=USER`},
		{"a context of somebody else", "current-context: x\ncontexts: [{name: x, context: {user: d}}]\n", "", `the user "d" is not there in FILE, though a context is for it: define it with kubectl config set-credentials d`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := put(t, test.text)
			want := strings.ReplaceAll(test.want, "FILE", path)
			_, err := Files{missing, path}.User(test.user)
			if err == nil || !strings.HasPrefix(err.Error(), "kubeconfig: "+want) {
				t.Errorf("%v, want %q", err, want)
			}
			if got := errors.Is(err, errGone); got != strings.Contains(want, "not there") {
				t.Errorf("%v is errGone: %t", err, got)
			}
		})
	}
	long := "users:\n"
	for i := range 2000 {
		long += "- {name: \"" + strings.Repeat("x", 100) + strings.Repeat("y", i%50) + string(rune('a'+i/50)) + "\"}\n"
	}
	if _, err := (Files{put(t, long)}).User("d"); err == nil || len(err.Error()) > 1000 {
		t.Errorf("%.1000v", err)
	}
	if _, err := (Files{"", ""}).Inspect(); err == nil || err.Error() != "kubeconfig: the list of files names none: is KUBECONFIG what it should be?" {
		t.Errorf("%v", err)
	}
	if _, err := (Files{missing, ""}).Inspect(); err == nil || !strings.HasPrefix(err.Error(), "kubeconfig: there is no "+missing+": is KUBECONFIG") {
		t.Errorf("%v", err)
	}
}

// What kubectl reads is what KUBECONFIG says, or else what is in the home directory.
func TestDefault(t *testing.T) { // alone, since it sets the environment
	if runtime.GOOS == "windows" {
		t.Skip("the home directory has another name there")
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("KUBECONFIG", "")
	if diff := cmp.Diff(Files{filepath.Join(home, ".kube", "config")}, Default()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	t.Setenv("KUBECONFIG", "/a::/b")
	if diff := cmp.Diff(Files{"/a", "", "/b"}, Default()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	path := filepath.Join(home, "k")
	if err := os.WriteFile(path, []byte("users: [{name: a}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", path)
	if users, err := (Files)(nil).Inspect(); err != nil || len(users) != 1 {
		t.Errorf("%v, %v", users, err)
	}
	t.Setenv("HOME", "")
	t.Setenv("KUBECONFIG", "")
	if _, err := (Files)(nil).Inspect(); err == nil || !strings.Contains(err.Error(), "set KUBECONFIG") {
		t.Errorf("%v", err)
	}
}
