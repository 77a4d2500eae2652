package jose

import "testing"

func TestSameType(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"at+jwt", "at+jwt", true},
		{"at+jwt", "AT+JWT", true},
		{"at+jwt", "application/at+jwt", true},
		{"Application/at+jwt", "at+jwt", true},
		{"application/at+jwt", "APPLICATION/AT+JWT", true},
		{"", "", true},
		{"at+jwt", "JWT", false},
		{"at+jwt", "", false},
		{"at+jwt", "at+jwt ", false},
		{"at+jwt", "x/at+jwt", false},
		{"at+jwt", "application/application/at+jwt", false},
		{"", "application/", false},
		{"secevent+jwt", "\u017fecevent+jwt", false}, // a long s
		{"kb+jwt", "\u212ab+jwt", false},             // a kelvin sign
	} {
		if SameType(test.a, test.b) != test.want || SameType(test.b, test.a) != test.want {
			t.Errorf("%q and %q: want %v", test.a, test.b, test.want)
		}
	}
}
