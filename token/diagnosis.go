package token

import (
	"fmt"
	"slices"
	"strings"
)

// A Diagnosis answers why a token is refused and what to change. Packages that
// know a system well enough to look make them.
type Diagnosis struct {
	Findings []Finding // the likeliest first; none if nothing is wrong
}

// A Finding is one cause, what speaks for it and what to do about it.
type Finding struct {
	Cause    string     // in a sentence
	Certain  bool       // proved by the evidence, rather than likely
	Evidence []Evidence // what was looked at; no secrets
	Remedy   string     // what to change, and where
}

// Evidence is a fact: what was looked at and what it said.
type Evidence struct {
	What, Value string
}

// String returns d for people, several lines long.
func (d Diagnosis) String() string {
	if len(d.Findings) == 0 {
		return "nothing found that would make this token be refused"
	}
	var b strings.Builder
	for i, f := range d.Findings {
		if i > 0 {
			b.WriteByte('\n')
		}
		how := "probably"
		if f.Certain {
			how = "certain"
		}
		fmt.Fprintf(&b, "%s (%s)\n", f.Cause, how)
		for _, e := range f.Evidence {
			fmt.Fprintf(&b, "  %s: %s\n", e.What, e.Value)
		}
		if f.Remedy != "" {
			fmt.Fprintf(&b, "  to do: %s\n", f.Remedy)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Doubt returns d with nothing Certain, and with why at the end of each finding's
// evidence: all that was seen may be of others than it seemed to be.
func (d Diagnosis) Doubt(why Evidence) Diagnosis {
	d.Findings = slices.Clone(d.Findings)
	for i := range d.Findings {
		f := &d.Findings[i]
		f.Certain = false
		f.Evidence = append(slices.Clip(f.Evidence), why)
	}
	return d
}
