package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// plugin writes a plugin that does something and then prints a token, and returns its
// path; empty text means that it prints none.
func (d *desk) plugin(t *testing.T, name, script string, tok token.Secret) string {
	t.Helper()
	// A process that another test starts meanwhile would have the file open to write
	// for a moment, in which it cannot be run.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	path := d.write(t, name, fmt.Sprintf("#!/bin/sh\necho x >%s.ran\n%s\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":%q}}'\n", filepath.Join(d.dir, name), script, tok.Reveal()))
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// plugged writes a kubeconfig whose users have plugins, beside those that there are.
func (d *desk) plugged(t *testing.T, commands map[string]string) string {
	t.Helper()
	text, err := os.ReadFile(d.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	for name, command := range commands {
		exec := object{"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", "command": command}
		if name == "loads" {
			exec["env"] = []object{{"name": "LD_PRELOAD", "value": "/lib/other.so"}}
		}
		config["users"] = append(config["users"].([]any), object{"name": name, "user": object{"exec": exec}})
		config["contexts"] = append(config["contexts"].([]any), object{"name": name, "context": object{"cluster": "demo", "user": name}})
	}
	if text, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	return d.write(t, "plugged", string(text))
}

// The plugin that -run names is run, and no other; what it prints is looked at as a
// token that stands in the kubeconfig.
func TestRunPlugin(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const leaked = "hunter2hunter3hunter4"
	good, podGone := must(t, d.good), must(t, d.podGone)
	commands := map[string]string{
		"good": d.plugin(t, "good", "", good), "gone": d.plugin(t, "gone", "", podGone), "other": d.plugin(t, "other", "", good),
		"fails": d.plugin(t, "fails", "echo "+leaked+" >&2; exit 3", good), "missing": filepath.Join(d.dir, "nowhere"),
		"loads":  d.plugin(t, "loads", "", good),
		"opaque": d.plugin(t, "opaque", `echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"hunter5hunter6hunter7","expirationTimestamp":"2999-01-02T03:04:05Z"}}'; exit`, good),
		"empty":  d.plugin(t, "empty", "exit 0", good), "cert": d.plugin(t, "cert", `echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"clientCertificateData":"a","clientKeyData":"b"}}'; exit`, good),
	}
	kubeconfig := d.plugged(t, commands)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(here, commands["good"])
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, user, run string
		args            []string
		status          int
		asks            string // a request to the cluster; empty means none
		output          []string
	}{
		{"good", "good", commands["good"], nil, 0, "POST /apis/authentication.k8s.io/v1/selfsubjectreviews", []string{"subject    " + builder, "of the context good", "Nothing was found that would"}},
		{"by another path", "good", relative, []string{"-offline"}, 0, "", []string{"subject    " + builder}},
		{"offline", "good", commands["good"], []string{"-offline"}, 0, "", []string{"subject    " + builder, "Nobody was asked"}},
		{"whose pod is gone, by itself", "gone", commands["gone"], nil, 1, "POST /apis/authentication.k8s.io/v1/tokenreviews", []string{"with the same token as the asker's"}},
		{"whose pod is gone", "gone", commands["gone"], []string{"-context", "demo"}, 1, "GET /api/v1/namespaces/ci/pods/build-7", []string{"has been deleted (certain)"}},
		{"what it may do", "good", commands["good"], []string{"-can", "list pods -n ci"}, 1, "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", []string{"permission"}},
		{"for a service", "good", commands["good"], []string{"-audience", "vault", "-offline"}, 1, "", []string{"for another audience"}},
		{"fails", "fails", commands["fails"], []string{"-can", "list pods"}, 1, "", []string{"the plugin brings no token (certain)", "it failed: exit status 3\n", "run it by hand"}},
		{"prints nothing", "empty", commands["empty"], nil, 1, "", []string{"the plugin brings no token (probably)", "standard output: empty"}},
		{"prints a certificate", "cert", commands["cert"], nil, 1, "", []string{"the plugin brings no token (probably)", "prints a client certificate"}},
		{"not there", "missing", commands["missing"], nil, 1, "", []string{"there is no program at", "The plugin was not run"}},
		{"that nothing may be loaded into", "loads", commands["loads"], nil, 1, "", []string{"entry 0 of Env"}},
		{"that says when it ends", "opaque", commands["opaque"], nil, 1, "POST /apis/authentication.k8s.io/v1/selfsubjectreviews", []string{"expires    2999-01-02T03:04:05Z"}},
		{"another", "other", commands["good"], nil, 2, "", []string{"-run does not name it"}},
		{"by a name that is not in PATH", "other", "other", nil, 2, "", []string{"-run does not name it"}},
		{"no plugin", "old", "other", nil, 2, "", []string{"has none (token)"}},
	} {
		before := len(d.requests())
		got := d.run(t, "", append([]string{"-kubeconfig", kubeconfig, "-user", test.user, "-run", test.run}, test.args...), good, podGone, token.NewSecret(leaked), token.NewSecret("hunter5hunter6hunter7"))
		if got.status != test.status || (got.stderr != "") != (test.status == 2) {
			t.Errorf("%s: %d, want %d\n%s%s", test.name, got.status, test.status, got.stdout, got.stderr)
		}
		for _, want := range test.output {
			if !strings.Contains(got.stdout+got.stderr, want) {
				t.Errorf("%s: there is nothing of %q in\n%s%s", test.name, want, got.stdout, got.stderr)
			}
		}
		if strings.Contains(got.stdout, "The plugin was not run") != (test.user == "missing") {
			t.Errorf("%s: it does not tell whether the plugin was run:\n%s", test.name, got.stdout)
		}
		if asked := d.requests()[before:]; test.asks == "" && len(asked) > 0 || test.asks != "" && !slices.Contains(asked, test.asks) {
			t.Errorf("%s: it has asked %q", test.name, asked)
		}
	}
	for _, name := range []string{"other", "loads"} {
		if _, err := os.Stat(filepath.Join(d.dir, name+".ran")); err == nil {
			t.Errorf("the plugin %s was run", name)
		}
	}
}

// Whoever breaks it off learns nothing of the token, and is not told otherwise, whether
// it is the plugin or the server that takes so long.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-t.Context().Done():
		}
	}))
	t.Cleanup(silent.Close)
	slow := d.plugin(t, "slow", "exec sleep 60", must(t, d.good))
	kubeconfig := d.plugged(t, map[string]string{"slow": slow})
	tokenFile := d.write(t, "token", must(t, d.session).Reveal())
	for _, args := range [][]string{
		{"-token-file", tokenFile, "-dashboard", silent.URL},
		{"-token-file", tokenFile, "-rancher", silent.URL},
		{"-kubeconfig", kubeconfig, "-user", "slow", "-run", slow},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		var stdout, stderr bytes.Buffer
		if status := run(ctx, args, nil, &stdout, &stderr); status != 2 || stdout.Len() > 0 || stderr.String() != "doctor: interrupted\n" {
			t.Errorf("%q: %d, %s%s", args, status, stdout.String(), stderr.String())
		}
	}
}
