package jwt

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

func TestLifetime(t *testing.T) {
	t.Parallel()
	const unsaid = 17 * time.Minute
	for _, test := range []struct {
		cacheControl []string
		age          string
		want         time.Duration
	}{
		{nil, "", unsaid},
		{nil, "300", unsaid},
		{[]string{""}, "", unsaid},
		{[]string{"public, must-revalidate"}, "", unsaid},
		{[]string{"s-maxage=600"}, "", unsaid}, // for shared caches
		{[]string{"maxage=600, xmax-age=600"}, "", unsaid},
		{[]string{`private="max-age=600, max-age=700"`}, "", unsaid},
		{[]string{`x="\", max-age=600", max-age=700`}, "", 700 * time.Second},

		{[]string{"max-age=600"}, "", 10 * time.Minute},
		{[]string{"public,max-age=600,must-revalidate"}, "", 10 * time.Minute},
		{[]string{"public", " MAX-AGE = 600 "}, "", 10 * time.Minute},
		{[]string{`max-age="600"`}, "", 10 * time.Minute},
		{[]string{",, max-age=600 ,"}, "", 10 * time.Minute},
		{[]string{"max-age=900, max-age=600, max-age=1200"}, "", 10 * time.Minute},

		{[]string{"max-age=59"}, "", time.Minute},
		{[]string{"max-age=60"}, "", time.Minute},
		{[]string{"max-age=61"}, "", 61 * time.Second},
		{[]string{"max-age=86399"}, "", 24*time.Hour - time.Second},
		{[]string{"max-age=86401"}, "", 24 * time.Hour},
		{[]string{"max-age=2147483648"}, "", 24 * time.Hour},
		{[]string{"max-age=99999999999999999999999999999"}, "", 24 * time.Hour},

		// What is no number is stale.
		{[]string{"max-age"}, "", time.Minute},
		{[]string{"max-age="}, "", time.Minute},
		{[]string{"max-age=-600"}, "", time.Minute},
		{[]string{"max-age=6e2"}, "", time.Minute},
		{[]string{"max-age=600, max-age=x"}, "", time.Minute},

		{[]string{"no-store"}, "", time.Minute},
		{[]string{"max-age=600, No-Cache"}, "", time.Minute},
		{[]string{`max-age=600`, `no-cache="Set-Cookie"`}, "", time.Minute},

		{[]string{"max-age=600"}, "100", 500 * time.Second},
		{[]string{"max-age=600"}, "599", time.Minute},
		{[]string{"max-age=600"}, "99999999999999999999", time.Minute},
		{[]string{"max-age=600"}, "-100", 10 * time.Minute},
		{[]string{"max-age=600"}, "x", 10 * time.Minute},
		{[]string{"max-age=172800"}, "90000", 82800 * time.Second}, // of what is said, not of the bound
	} {
		h := http.Header{"Cache-Control": test.cacheControl}
		if test.age != "" {
			h.Set("Age", test.age)
		}
		if got := lifetime(h, unsaid); got != test.want {
			t.Errorf("%q, Age %q: %v, want %v", test.cacheControl, test.age, got, test.want)
		}
	}
}

// Whatever a header holds, a set lives within the bounds; and a directive that
// is added can only make the life shorter, unless there was no word of it.
func FuzzLifetime(f *testing.F) {
	for _, text := range []string{
		"", "max-age=600", "no-store", `private="a, b", max-age=1`, "max-age=99999999999999999999", `x="\",max-age=5`, "max-age=-1,,=", `"`, "MAX-AGE=\"6\"",
	} {
		f.Add(text, "", uint32(30))
		f.Add(text, "100", uint32(7200))
	}
	f.Fuzz(func(t *testing.T, text, age string, seconds uint32) {
		const unsaid = time.Nanosecond // outside of the bounds
		h := http.Header{"Cache-Control": {text}, "Age": {age}, "Retry-After": {text}, "Date": {age}}
		life := lifetime(h, unsaid)
		if life != unsaid && (life < minLife || life > maxLife) {
			t.Errorf("%v", life)
		}
		if life == unsaid && !strings.Contains(text, `"`) && strings.Contains(strings.ToLower(","+strings.ReplaceAll(text, " ", "")), ",max-age=") {
			t.Errorf("no word of max-age in %q", text)
		}
		if open, _ := cutItem(text + `,"`); open == text+`,"` && strings.Count(text, `"`) == 0 {
			t.Errorf("a comma was passed over in %q", text)
		}
		h["Cache-Control"] = []string{fmt.Sprintf("max-age=%d", seconds), text}
		most := max(minLife, time.Duration(seconds)*time.Second)
		if with := lifetime(h, unsaid); with == unsaid || life != unsaid && with > life || with > most {
			t.Errorf("%v, and %v with max-age=%d before it", life, with, seconds)
		}
		if pause := retryAfter(&statusError{after: token.RetryAfterHeader(h)}); pause < 0 || pause > longestRetryAfter {
			t.Errorf("a pause of %v", pause)
		}
	})
}
