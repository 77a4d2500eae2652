package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// update has the golden files written anew.
var update = os.Getenv("UPDATE") != ""

// golden compares text with a file.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; write it anew with UPDATE=1)\n%s", path, diff)
	}
}

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// lives are what there is to draw.
func lives() []struct {
	name string
	life life
} {
	at := func(d time.Duration) time.Time { return noon.Add(d) }
	const year = 365 * 24 * time.Hour
	return []struct {
		name string
		life life
	}{
		{"in the middle", life{issued: noon, expiry: at(time.Hour), now: at(20 * time.Minute), judge: true}},
		{"just issued", life{issued: noon, notBefore: noon, expiry: at(time.Hour), now: noon}},
		{"near its end", life{issued: noon, expiry: at(time.Hour), now: at(50 * time.Minute)}},
		{"expired a minute ago", life{issued: noon, expiry: at(time.Hour), now: at(61 * time.Minute), judge: true}},
		{"expired a year ago", life{issued: noon, expiry: at(time.Hour), now: at(year)}},
		{"not valid yet", life{issued: at(10 * time.Minute), notBefore: at(10 * time.Minute), expiry: at(70 * time.Minute), now: noon}},
		{"not valid for years", life{issued: at(3 * year), expiry: at(3*year + time.Hour), now: noon}},
		{"good later than issued", life{issued: noon, notBefore: at(15 * time.Minute), expiry: at(time.Hour), now: at(5 * time.Minute)}},
		{"to be renewed", life{issued: noon, renew: at(3607 * time.Second), expiry: at(year), now: at(40 * time.Minute), judge: true}},
		{"to have been renewed", life{issued: noon, renew: at(3607 * time.Second), expiry: at(year), now: at(120 * 24 * time.Hour), judge: true}},
		{"the server is ahead", life{issued: noon, expiry: at(time.Hour), now: at(30 * time.Minute), ahead: 40 * time.Minute, judge: true}},
		{"the server is behind", life{issued: noon, expiry: at(time.Hour), now: at(70 * time.Minute), ahead: -40 * time.Minute, judge: true}},
		{"the server is a day behind", life{issued: noon, expiry: at(time.Hour), now: at(10 * time.Minute), ahead: -24 * time.Hour, judge: true}},
		{"the clocks are a day apart, around it", life{issued: noon, expiry: at(time.Hour), now: at(24 * time.Hour), ahead: -48 * time.Hour, judge: true}},
		{"no beginning", life{expiry: at(time.Hour), now: noon}},
		{"no end", life{issued: at(-48 * time.Hour), now: noon}},
		{"an end before its beginning", life{issued: noon, expiry: at(-time.Hour), now: noon}},
		{"a second", life{issued: noon, expiry: at(time.Second), now: noon}},
		{"centuries", life{issued: time.Unix(0, 0), expiry: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), now: noon}},
	}
}

// The picture, in several widths, and what a pipe gets in its place.
func TestLife(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, l := range lives() {
		fmt.Fprintf(&b, "== %s\n", l.name)
		for _, width := range []int{100, 69, 40, narrowest} {
			bar := l.life.picture(screen{}, width)
			if bar == "" {
				continue
			}
			if len(bar) != width {
				t.Errorf("%s: %d columns, want %d", l.name, len(bar), width)
			}
			for _, m := range l.life.marks() {
				if strings.Count(bar, string(m.letter)) != 1 {
					t.Errorf("%s, %d columns: %c is there %d times", l.name, width, m.letter, strings.Count(bar, string(m.letter)))
				}
			}
			fmt.Fprintln(&b, bar)
		}
		for _, letters := range []bool{true, false} {
			for _, m := range l.life.lines(letters) {
				fmt.Fprintf(&b, "%s  %s\n", m.when, m.remark)
			}
		}
	}
	golden(t, "testdata/life.txt", b.String())
}

// Whatever the dates, the marks are in their order, and in the bar.
func TestLifeInOrder(t *testing.T) {
	t.Parallel()
	offsets := []time.Duration{-400 * 24 * time.Hour, -time.Hour, -time.Minute, 0, time.Second, 30 * time.Minute, time.Hour, 400 * 24 * time.Hour}
	for _, issued := range offsets {
		for _, length := range []time.Duration{-time.Hour, 0, time.Second, time.Hour, 1000 * time.Hour} {
			for _, ahead := range offsets {
				for _, renew := range offsets {
					for width := range 30 {
						l := life{issued: noon.Add(issued), notBefore: noon.Add(issued / 2), renew: noon.Add(renew), expiry: noon.Add(issued + length), now: noon, ahead: ahead, judge: true}
						bar := l.picture(screen{}, width)
						if bar == "" {
							continue
						}
						last := -1
						for _, m := range l.marks() {
							at := strings.IndexByte(bar, m.letter)
							if len(bar) != width || at <= last {
								t.Fatalf("%+v: %q", l, bar)
							}
							last = at
						}
					}
				}
			}
		}
	}
}

// What is left has the colour of how much that is.
func TestLifeColours(t *testing.T) {
	t.Parallel()
	s := screen{colour: true}
	if bar := (life{notBefore: noon, expiry: noon.Add(time.Hour), now: noon.Add(time.Minute)}).picture(s, 60); !strings.Contains(bar, string(green)) {
		t.Errorf("of one that does not say when it was issued: %q", bar)
	}
	for name, test := range map[string]struct {
		now, renew time.Duration
		want       colour
	}{
		"most": {10 * time.Minute, 0, green}, "half": {31 * time.Minute, 0, yellow}, "little": {50 * time.Minute, 0, red},
		"past": {70 * time.Minute, 0, red}, "stale": {10 * time.Minute, 5 * time.Minute, yellow},
	} {
		l := life{issued: noon, expiry: noon.Add(time.Hour), now: noon.Add(test.now)}
		if test.renew != 0 {
			l.renew = noon.Add(test.renew)
		}
		bar := l.picture(s, 60)
		if !strings.Contains(bar, string(test.want)) || strings.Count(bar, "\x1b") != 2 {
			t.Errorf("%s: %q", name, bar)
		}
		if bare := strings.NewReplacer(string(test.want), "", uncoloured, "").Replace(bar); bare != l.picture(screen{}, 60) {
			t.Errorf("%s: the colours change the picture: %q", name, bare)
		}
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 seconds", time.Second: "1 second", 59 * time.Second: "59 seconds", time.Minute: "1 minute", 61 * time.Second: "1 minute 1 second",
		9*time.Minute + 59*time.Second: "9 minutes 59 seconds", 10*time.Minute + 59*time.Second: "10 minutes", time.Hour: "1 hour", 25*time.Hour + time.Minute: "25 hours 1 minute",
		48 * time.Hour: "2 days", 100*24*time.Hour + time.Hour: "100 days 1 hour", 366 * 24 * time.Hour: "1 year 1 day", 1<<63 - 1: "centuries",
	} {
		if got := span(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	// A server may say any date.
	if got := from(-1 << 63); got != "centuries ago" {
		t.Error(got)
	}
	for _, ahead := range []time.Duration{-1 << 63, 1<<63 - 1} {
		if got := (life{now: noon, ahead: ahead, judge: true}).lines(false); strings.Contains(fmt.Sprint(got), "seconds") {
			t.Error(got)
		}
	}
}
