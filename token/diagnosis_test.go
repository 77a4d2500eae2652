package token_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

func TestDoubt(t *testing.T) {
	t.Parallel()
	seen, why := token.Evidence{What: "GET", Value: "401"}, token.Evidence{What: "who", Value: "anybody"}
	room := append(make([]token.Evidence, 0, 2), seen)
	d := token.Diagnosis{Findings: []token.Finding{{Cause: "a", Certain: true, Evidence: room}, {Cause: "b"}}}
	got := d.Doubt(why)
	want := token.Diagnosis{Findings: []token.Finding{{Cause: "a", Evidence: []token.Evidence{seen, why}}, {Cause: "b", Evidence: []token.Evidence{why}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !d.Findings[0].Certain || len(d.Findings[0].Evidence) != 1 || room[:2][1] != (token.Evidence{}) {
		t.Errorf("what it is made of has changed: %+v", d)
	}
	if got := (token.Diagnosis{}).Doubt(why); len(got.Findings) > 0 {
		t.Errorf("of nothing comes %v", got)
	}
}
