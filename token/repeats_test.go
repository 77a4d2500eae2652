package token_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

func TestRepeatedIn(t *testing.T) {
	t.Parallel()
	const secret = "0123456789abcdefghij"
	for _, test := range []struct {
		secret, text string
		want         bool
	}{
		{secret, "", false},
		{"", "anything", false},
		{secret, secret, true},
		{secret, "it was " + secret + ", they say", true},
		{secret, "456789abcdef", true},              // twelve
		{secret, "it was 89abcdefghij", true},       // the end
		{secret, "456789abcde, 6789abcdefg", false}, // eleven
		{"sixsix", "is it sixsix?", true},
		{"sixsix", "is it sixsi?", false},
		{"five5", "is it five5?", false}, // an accident
		{secret + strings.Repeat("x", 1<<20), "89abcdefghij", true},
		{secret, strings.Repeat("x", 1<<20) + "89abcdefghij", true},
	} {
		if got := token.NewSecret(test.secret).RepeatedIn(test.text); got != test.want {
			t.Errorf("%.20s in %.40s: %v", test.secret, test.text, got)
		}
	}
}

func TestDiagnosisRedact(t *testing.T) {
	t.Parallel()
	const gone = "[redacted: it repeats a secret]"
	d := token.Diagnosis{Findings: []token.Finding{{
		Cause: "hunter2hunter2", Certain: true, Remedy: "say hunter2hunter2",
		Evidence: []token.Evidence{{"GET hunter2hunter2", "404"}, {"GET /", "swordfish"}, {"the clock", "right"}},
	}, {Cause: "another", Remedy: "none"}}}
	got := d.Redact(token.NewSecret("hunter2hunter2"), token.NewSecret("swordfish"), token.Secret{})
	want := token.Diagnosis{Findings: []token.Finding{{
		Cause: gone, Certain: true, Remedy: gone,
		Evidence: []token.Evidence{{gone, "404"}, {"GET /", gone}, {"the clock", "right"}},
	}, {Cause: "another", Remedy: "none"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if d.Findings[0].Cause != "hunter2hunter2" || d.Findings[0].Evidence[1].Value != "swordfish" {
		t.Errorf("it changed what it was given: %v", d)
	}
	if got := (token.Diagnosis{}).Redact(token.NewSecret("hunter2hunter2")); len(got.Findings) != 0 {
		t.Error(got)
	}
}
