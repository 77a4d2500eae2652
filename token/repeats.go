package token

import (
	"slices"
	"strings"
)

// RepeatedIn reports whether text has a part of s in it that is no accident: twelve
// bytes in a row, or the whole of a shorter one that has at least six. It is for what
// others say, as an answer that may hold what was sent, before it is shown or logged.
func (s Secret) RepeatedIn(text string) bool {
	const telling = 12
	short, long := text, s.Reveal()
	n := min(telling, len(long))
	if n < telling/2 {
		return false
	}
	if len(short) > len(long) {
		short, long = long, short
	}
	for i := range max(0, len(short)-n+1) {
		if strings.Contains(long, short[i:i+n]) {
			return true
		}
	}
	return false
}

// Redact returns d without whatever repeats one of the secrets, as a server may say of a
// token what it was sent; see [Secret.RepeatedIn].
func (d Diagnosis) Redact(secrets ...Secret) Diagnosis {
	hide := func(text string) string {
		for _, s := range secrets {
			if s.RepeatedIn(text) {
				return "[redacted: it repeats a secret]"
			}
		}
		return text
	}
	d.Findings = slices.Clone(d.Findings)
	for i := range d.Findings {
		f := &d.Findings[i]
		f.Cause, f.Remedy, f.Evidence = hide(f.Cause), hide(f.Remedy), slices.Clone(f.Evidence)
		for j, e := range f.Evidence {
			f.Evidence[j] = Evidence{hide(e.What), hide(e.Value)}
		}
	}
	return d
}
