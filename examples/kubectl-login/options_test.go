package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	must := []string{"get-token", "-issuer", "https://issuer.example", "-client-id", "k"}
	with := func(more ...string) []string { return append(slices.Clone(must), more...) }
	for _, test := range []struct {
		args []string
		want string // of the error; empty for none
	}{
		{must, ""},
		{with("-listen", "127.0.0.1:8000"), ""},
		{with("-listen", "[::1]:8000"), ""},
		{with("-listen", "0.0.0.0:8000"), "loopback"},
		{with("-listen", "localhost:8000"), "loopback"},
		{with("-listen", ":8000"), "loopback"},
		{with("-listen", "127.0.0.1"), "loopback"},
		{with("-listen", "192.168.0.1:80"), "loopback"},
		{with("-device", "-browser"), "do not go together"},
		{with("-login-timeout", "0s"), "-login-timeout"},
		{with("-login-timeout", "-1s"), "-login-timeout"},
		{with("-scopes", `a,"b"`), "-scopes"},
		{with("-insecure"), "-insecure"},
		{with("more"), "unexpected argument"},
		{[]string{"get-token", "-client-id", "k"}, "-issuer is missing"},
		{[]string{"get-token", "-issuer", "https://issuer.example"}, "-client-id is missing"},
		{[]string{"setup"}, "-issuer is missing"},
		{[]string{"setup", "-issuer", "issuer.example", "-client-id", "k"}, "https://"},
		{[]string{"setup", "-issuer", "http://issuer.example", "-client-id", "k"}, "https://"},
		{[]string{"status"}, ""},
		{[]string{"status", "-json"}, ""},
		{[]string{"logout"}, ""},
		{[]string{"logout", "-all", "-issuer", "x"}, "do not go together"},
		{nil, "a command is missing"},
		{[]string{"login"}, "there is no command"},
	} {
		_, err := parse(test.args)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%q: %v, want %q", test.args, err, test.want)
		}
	}
	for _, help := range []string{"-h", "--help", "help"} {
		if _, err := parse([]string{help}); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s: %v", help, err)
		}
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]string{
		"":                            "openid",
		"email":                       "email openid",
		"openid,offline_access,email": "email offline_access openid",
		"openid openid, b  a":         "a b openid",
	} {
		if got, err := parseScopes(list); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %q, %v, want %q", list, got, err, want)
		}
	}
}

// TestSetup has what setup prints run get-token with what it was given.
func TestSetup(t *testing.T) {
	t.Parallel()
	flags := []string{"-issuer", "https://issuer.example/#\"", "-client-id", "k: v", "-scopes", "openid,groups",
		"-ca", "ca.pem", "-client-secret-file", "secret", "-cache", "logins", "-device", "-listen", "127.0.0.1:8000", "-login-timeout", "1m0s"}
	o, err := parse(append([]string{"setup"}, flags...))
	if err != nil {
		t.Fatal(err)
	}
	again, err := parse(o.arguments())
	if err != nil {
		t.Fatal(err)
	}
	if again.command = "setup"; !slices.Equal(again.arguments(), o.arguments()) || !filepath.IsAbs(o.ca) || !filepath.IsAbs(o.secretFile) || !filepath.IsAbs(o.cache) {
		t.Errorf("%q, and read again %q", o.arguments(), again.arguments())
	}

	var out, errs bytes.Buffer
	if status := run(context.Background(), []string{"setup", "-issuer", "https://issuer.example", "-client-id", "kubernetes"}, &out, &errs); status != 0 {
		t.Fatalf("status %d: %s", status, errs.String())
	}
	want, err := os.ReadFile("testdata/setup.yaml")
	if err != nil || out.String() != string(want) {
		t.Errorf("%v; setup printed\n%s", err, out.String())
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args   []string
		status int
		out    string
		errs   string
	}{
		{[]string{"-h"}, 0, usage, ""},
		{nil, 2, "", "kubectl-login: a command is missing: one of setup, get-token, status, logout; -h tells what there is\n"},
		{[]string{"status", "-cache", t.TempDir() + "/none"}, 0, "no logins are kept in ", ""},
		{[]string{"get-token", "-issuer", "https://issuer.example", "-client-id", "k", "-ca", "/nowhere"}, 1, "", "kubectl-login: "},
	} {
		var out, errs bytes.Buffer
		if got := run(t.Context(), test.args, &out, &errs); got != test.status || !strings.HasPrefix(out.String(), test.out) || !strings.HasPrefix(errs.String(), test.errs) {
			t.Errorf("%q: status %d, %q, %q", test.args, got, out.String(), errs.String())
		}
	}
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\nb\tc \x1b[2J\u202e d": "a b c [2J d",
		strings.Repeat("ä", 5000): strings.Repeat("ä", 200) + "…",
		"":                        "",
	} {
		if got := brief(in); got != want {
			t.Errorf("brief(%.20q) = %q", in, got)
		}
	}
}
