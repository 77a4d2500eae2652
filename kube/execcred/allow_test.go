package execcred_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/kube/execcred"
)

// place puts this program into dir, under that name.
func place(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if filepath.Separator == '\\' {
		path += ".exe"
	}
	if err := os.Link(self(), path); err == nil {
		return path
	}
	from, err := os.Open(self())
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(to, from)
	if err := errors.Join(err, to.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAllow(t *testing.T) { // not parallel: it sets PATH, and the current folder
	first, second, here := t.TempDir(), t.TempDir(), t.TempDir()
	acme, other := place(t, first, "acme"), place(t, second, "acme") // two of a name, of which PATH has the first
	rival := place(t, second, "rival")
	place(t, here, "local")
	t.Chdir(here)
	t.Setenv("PATH", strings.Join([]string{first, second, "", "."}, string(filepath.ListSeparator)))
	ran := filepath.Join(here, "answer.runs")
	if err := os.WriteFile(filepath.Join(here, "answer"), []byte(credential(execcred.V1, "value", "")), 0o600); err != nil {
		t.Fatal(err)
	}
	const (
		none       = "it may not run, for Allow is empty"
		notAllowed = "it may not run, for it is none of those in Allow"
		relative   = "its Command is relative to whatever folder this process is in"
		dot        = "PATH has it in the current folder only"
		missing    = "there is no such program"
	)
	for _, test := range []struct {
		name, command string
		allow         []string
		any           bool
		env           string
		want          string // of the error; empty if it runs
	}{
		{"nothing", "", []string{"acme"}, false, "", "execcred: Plugin: no Command"},
		{"no Allow", "acme", nil, false, "", none},
		{"an empty Allow", acme, []string{}, false, "", none},
		{"both", "acme", []string{"acme"}, true, "", "both Allow and AnyCommand are set"},
		{"any name", "acme", nil, true, "", ""},
		{"any path", other, nil, true, "", ""},
		{"any relative path", "./local", nil, true, "", ""},
		{"any name in the current folder", "local", nil, true, "", dot},
		{"any that is missing", "absent", nil, true, "", missing},

		{"a name by its name", "acme", []string{"rival", "acme"}, false, "", ""},
		{"a name by its path", "acme", []string{acme}, false, "", ""},
		{"a path by its path", acme, []string{acme}, false, "", ""},
		{"a path by its name", acme, []string{"acme"}, false, "", ""},
		{"a path that is not clean", filepath.Dir(acme) + "/../" + filepath.Base(first) + "/" + filepath.Base(acme), []string{acme}, false, "", ""},
		{"an entry that is not clean", acme, []string{first + "/./" + filepath.Base(acme)}, false, "", ""},

		{"another name", "rival", []string{"acme"}, false, "", notAllowed},
		{"another path", rival, []string{"acme", acme, other}, false, "", notAllowed},
		{"the same name elsewhere", other, []string{"acme"}, false, "", notAllowed},
		{"the same name elsewhere by its path", "acme", []string{other}, false, "", notAllowed},
		{"a name that leads on", "acme/../rival", []string{"acme", "rival"}, false, "", relative},
		{"a path that leads on", first + "/../" + filepath.Base(second) + "/acme", []string{"acme", acme}, false, "", notAllowed},
		{"a relative path", "./local", []string{"local", filepath.Join(here, "local")}, false, "", relative},
		{"a parent", "..", []string{"acme"}, false, "", relative},
		{"the current folder's", "local", []string{"local"}, false, "", dot},
		{"missing", "absent", []string{"absent"}, false, "", missing},
		{"missing, and not allowed", "absent", []string{"acme"}, false, "", notAllowed},
		{"a folder", first, []string{first}, false, "", missing},
		{"no name", "acme", []string{"acme", "bin/acme"}, false, "", "entry 1 of Allow is neither a name nor an absolute path"},
		{"an empty name", "acme", []string{"", "acme"}, false, "", "entry 0 of Allow is neither a name nor an absolute path"},
		{"a dot", "acme", []string{"."}, false, "", "entry 0 of Allow is neither a name nor an absolute path"},

		{"the linker", "acme", []string{"acme"}, false, "LD_PRELOAD=canary.so", "entry 2 of Env says what else is loaded or run"},
		{"the linker of macOS", "acme", []string{"acme"}, false, "DYLD_INSERT_LIBRARIES=canary", "entry 2 of Env says what else is loaded or run"},
		{"what it may start", "acme", []string{"acme"}, false, "Path=canary", "entry 2 of Env says what else is loaded or run"},
		{"no variable", "acme", []string{"acme"}, false, "canary", "entry 2 of Env is not of the form NAME=value"},
		{"no variable for any", "acme", nil, true, "=canary", "entry 2 of Env is not of the form NAME=value"},
		{"a zero byte", "acme", []string{"acme"}, false, "A=canary\x00", "entry 2 of Env has a zero byte in it"},
		{"PATH is ours", "rival", nil, true, "PATH=" + here, ""},
		{"the linker of a trusted program", "acme", nil, true, "LD_LIBRARY_PATH=" + first, ""},
	} {
		p := &execcred.Plugin{
			Command: test.command, Allow: test.allow, AnyCommand: test.any,
			Env: []string{"ROLE=reads", "FILE=" + filepath.Join(here, "answer")},
		}
		if test.env != "" {
			p.Env = append(p.Env, test.env)
		}
		tok, err := p.Token(t.Context())
		_, missing := os.Stat(ran)
		os.Remove(ran)
		if test.want == "" {
			if err != nil || missing != nil || tok.Value.Reveal() != "value" {
				t.Errorf("%s: %v, %v, ran: %v", test.name, tok, err, missing == nil)
			}
			continue
		}
		if err == nil || missing == nil {
			t.Errorf("%s: error %v, ran: %v", test.name, err, missing == nil)
			continue
		}
		if e := failure(t, tok, err); e.ExitCode != -1 {
			t.Errorf("%s: exit code %d", test.name, e.ExitCode)
		}
		says(t, err, test.want)
		if errors.Is(err, fs.ErrNotExist) && strings.Contains(err.Error(), "may not run") {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// A hint is for who lacks the program, and may be anything.
func TestInstallHint(t *testing.T) {
	t.Parallel()
	p := &execcred.Plugin{
		Command: "acme-login-that-nobody-has", Allow: []string{"acme-login-that-nobody-has"},
		InstallHint: "get it at\r\nhttps://acme.example\x1b[2J" + strings.Repeat("!", 10_000),
	}
	tok, err := p.Token(t.Context())
	failure(t, tok, err)
	says(t, err, "there is no such program: executable file not found in", "; install it, make it executable, or correct Command or PATH; whoever named it says: get it at  https://acme.example [2J!!!", "!…")

	p.InstallHint = "x" + strings.Repeat("é", 1000)
	tok, err = p.Token(t.Context())
	failure(t, tok, err)
	if says(t, err, "éé…"); strings.ContainsRune(err.Error(), '\ufffd') {
		t.Error(err)
	}

	p.Command, p.InstallHint = filepath.Join(t.TempDir(), "acme\n"+strings.Repeat("x", 300)), ""
	p.Allow = []string{p.Command}
	tok, err = p.Token(t.Context())
	failure(t, tok, err)
	if strings.Contains(err.Error(), "whoever named it") {
		t.Error(err)
	}
}

func TestRequestOfAPlugin(t *testing.T) {
	t.Parallel()
	p := plugin("tells")
	p.Request.APIVersion = "client.authentication.k8s.io/v1alpha1"
	tok, err := p.Token(t.Context())
	failure(t, tok, err)
	says(t, err, "Request.APIVersion is neither")

	p.Request = execcred.Request{Cluster: &execcred.Cluster{Config: []byte("canary")}}
	tok, err = p.Token(t.Context())
	failure(t, tok, err)
	says(t, err, "Request.Cluster.Config is not JSON")
}
