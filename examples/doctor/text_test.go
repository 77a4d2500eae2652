package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/tokenlife/tokenlife/kube/kubeconfig"
	"github.com/tokenlife/tokenlife/token"
)

// reports are what there is to write.
func reports() []struct {
	name string
	r    *report
} {
	pod := &described{
		Format: "JWT", Kind: token.KindServiceAccount.String(), Algorithm: "RS256", KeyID: "Zf9J0pSjWZf2m1H0B7Rj0wq3p9d0cQmYfLw3s5k8v1A",
		Issuer: "https://kubernetes.default.svc", Subject: "system:serviceaccount:ci:builder", Audience: []string{"https://kubernetes.default.svc", "vault"}, ID: "0b6b1d9c-5d3a-4a43-8a0c-5c7f4a1f3d55",
		BoundTo:  []bound{{"ServiceAccount", "ci", "builder", "9c1e3a5b-7d9f-4b2c-8e6a-0f1d3c5b7a90"}, {"Pod", "ci", "build-7", "5a0f2b7e-1c9d-4e8a-b3f6-7d2c4e6a8b01"}, {"Node", "", "worker-1", ""}},
		IssuedAt: noon, NotBefore: noon, WarnAfter: noon.Add(3607 * time.Second), Expiry: noon.Add(365 * 24 * time.Hour), ExpiresIn: new(int64(31535000)),
	}
	expired := &described{Format: "opaque", Kind: token.KindRancher.String(), Name: "token-7d9xk", IssuedAt: noon, Expiry: noon.Add(time.Hour), ExpiresIn: new(int64(-1800))}
	found := []finding{
		{"the token has expired 30m0s ago", true, []fact{{"GET /v3/tokens/token-7d9xk", "expired: true"}, {"the server's clock (header Date)", "2026-11-26T13:30:00Z"}}, "make another token, and have one that is renewed ahead of that (V3Source)"},
		{"this machine's clock is behind the server's, so whoever compares a token's expiry with it is wrong", false, nil, ""},
	}
	return []struct {
		name string
		r    *report
	}{
		{"of a pod, and nobody is asked", &report{Version: 1, Now: noon.Add(1000 * time.Second), Token: pod, Findings: []finding{}}},
		{"of Rancher, expired", &report{Version: 1, Now: noon.Add(50 * time.Minute), Token: expired, Findings: found,
			Server: &server{Product: "Rancher", Version: "v2.13.1", URL: "https://rancher.example", ClockAhead: new(int64(2400))}}},
		{"of a user of a kubeconfig", &report{Version: 1, Now: noon, Findings: []finding{}, User: &account{
			Name: "ci-bot", File: "/home/ann/.kube/config", Contexts: []string{"prod", "test"}, Current: true, Kind: "certificate", Expiry: noon.Add(240 * time.Hour),
			Outlook: "The client certificate expires in 10 days and nothing renews it"}, Unseen: unseen[kubeconfig.Certificate]}},
		{"of a plugin", &report{Version: 1, Now: noon, Findings: []finding{}, User: &account{Name: "me", File: "config", Kind: "exec plugin", Command: "kubectl-login", As: "root"}, Unseen: unseen[kubeconfig.Exec]}},
		{"of nothing that can be read", &report{Version: 1, Now: noon, Findings: found[:1]}},
		{"of nobody knows what", &report{Version: 1, Now: noon, Findings: []finding{}, Token: &described{Format: "opaque", Kind: "unknown", Endless: "it does not say how long it lives"}}},
	}
}

// What people read, in a pipe and on terminals of several widths.
func TestWrite(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, test := range reports() {
		for _, width := range []int{0, 100, 60, 40} {
			var b strings.Builder
			test.r.write(&b, screen{width: width})
			fmt.Fprintf(&all, "== %s, %d columns\n%s", test.name, width, b.String())
			for line := range strings.Lines(b.String()) {
				if line = strings.TrimSuffix(line, "\n"); width > 0 && len(line) > width && strings.Contains(line[about:], " ") { // a word stays whole
					t.Errorf("%s: a line of %d columns, where there are %d: %s", test.name, len(line), width, line)
				}
				if strings.TrimRight(line, " ") != line {
					t.Errorf("%s: a line ends in spaces: %q", test.name, line)
				}
			}
			var coloured strings.Builder
			test.r.write(&coloured, screen{width: width, colour: true})
			bare := strings.NewReplacer(string(bold), "", string(red), "", string(green), "", string(yellow), "", uncoloured, "").Replace(coloured.String())
			if bare != b.String() {
				t.Errorf("%s: the colours change the text:\n%s", test.name, bare)
			}
		}
	}
	golden(t, "testdata/text.txt", all.String())
}

// What programs read.
func TestJSON(t *testing.T) {
	t.Parallel()
	var all bytes.Buffer
	for _, test := range reports() {
		fmt.Fprintf(&all, "== %s\n", test.name)
		var stdout, stderr bytes.Buffer
		want := 0
		switch {
		case len(test.r.Findings) > 0:
			want = 1
		case test.r.Unseen != "":
			want = 3
		}
		if status := (options{json: true}).show(test.r, &stdout, &stderr); status != want || stderr.Len() > 0 {
			t.Errorf("%s: %d, %s", test.name, status, stderr.String())
		}
		if !json.Valid(stdout.Bytes()) {
			t.Errorf("%s: not JSON", test.name)
		}
		all.Write(stdout.Bytes())
	}
	golden(t, "testdata/report.json.txt", all.String())
}

// Whatever somebody has written into a token, or a server has answered, does nothing
// to a terminal, is not endless, and has no secret in it.
func TestTidy(t *testing.T) {
	t.Parallel()
	secret := token.NewSecret("token-7d9xk:hunter2hunter3hunter4")
	nasty := "a\x1b[2Jb\u202ec\u009bd\r\ne \xff " + strings.Repeat("é", 5000)
	for _, text := range []string{nasty, "he said " + secret.Reveal(), "unter3hunter", strings.Repeat("x", 990) + "hunter2hunter3hunter4"} {
		for _, test := range reports() {
			r := test.r
			r.add(token.Diagnosis{Findings: []token.Finding{{Cause: text, Remedy: text, Evidence: []token.Evidence{{What: text, Value: text}}}}})
			n := 0
			r.texts(func(s *string) { n++; *s = text })
			r.tidy(secret, token.NewSecret(""))
			var b strings.Builder
			r.write(&b, screen{})
			e, _ := json.Marshal(r)
			for _, out := range []string{b.String(), string(e)} {
				if strings.ContainsFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
					t.Errorf("%s: %q", test.name, out)
				}
				if strings.Contains(out, "unter3hunter") {
					t.Errorf("%s: the secret is there: %s", test.name, out)
				}
				if len(out) > (n+10)*(longestText+100) {
					t.Errorf("%s: %d bytes", test.name, len(out))
				}
			}
		}
	}
	r := reports()[1].r
	r.tidy(secret)
	if r.Token.Name != "token-7d9xk" || r.Findings[0].Evidence[0].What != "GET /v3/tokens/token-7d9xk" {
		t.Errorf("the name of a token is no secret: %+v", r)
	}
}

// texts must have every text of a report that somebody else may have written.
func TestTextsIsComplete(t *testing.T) {
	t.Parallel()
	r := &report{
		Token:  &described{Algorithm: "@", KeyID: "@", Name: "@", Issuer: "@", Subject: "@", Audience: []string{"@"}, ID: "@", BoundTo: []bound{{"Pod", "@", "@", "@"}}},
		User:   &account{Name: "@", File: "@", Contexts: []string{"@"}, As: "@", TokenFile: "@", Command: "@", Issuer: "@", ClientID: "@", Outlook: "@"},
		Server: &server{Version: "@", URL: "@", Context: "@"}, Findings: []finding{{"@", true, []fact{{"@", "@"}}, "@"}},
	}
	r.texts(func(s *string) { *s = "" })
	if e, _ := json.Marshal(r); strings.Contains(string(e), "@") {
		t.Errorf("%s", e)
	}
}
