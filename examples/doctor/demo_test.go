package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// The story comes out as it must, and shows no token.
func TestDemo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := demo(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"All 9 were named as they must be.", "Kubernetes service account token", "Rancher 1.6 token", "Rancher 2.x token", "Kubernetes Dashboard session"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is nothing of %q", want)
		}
	}
	if strings.Contains(out.String(), "eyJ") {
		t.Errorf("a token is shown:\n%s", out.String())
	}
}

// What cannot be written is an error.
func TestDemoUnwritten(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	r.Close()
	if err := demo(t.Context(), w); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

// A case that is not named as it must be ends the story.
func TestPatient(t *testing.T) {
	t.Parallel()
	found := &report{Findings: []finding{{Cause: "it has expired", Certain: true}}}
	for _, test := range []struct {
		p  patient
		r  *report
		ok bool
	}{
		{patient{}, &report{}, true}, {patient{}, found, false}, {patient{cause: "expired", certain: true}, found, true},
		{patient{cause: "expired"}, found, false}, {patient{cause: "deleted", certain: true}, found, false}, {patient{cause: "expired"}, &report{}, false},
	} {
		if err := test.p.check(test.r); (err == nil) != test.ok {
			t.Errorf("%+v: %v", test.p, err)
		}
	}
}
