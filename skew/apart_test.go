package skew_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/skew"
)

func TestApart(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name   string
		took   time.Duration
		remote time.Time
		want   time.Duration
	}{
		{"unknown", time.Second, time.Time{}, 0},
		{"the same", 0, noon, 0},
		{"cut to the second", 0, noon.Add(-time.Second), 0},
		{"anywhere within a slow answer", time.Minute, noon.Add(40 * time.Second), 0},
		{"ahead", 0, noon.Add(time.Hour), time.Hour},
		{"ahead of the end of a slow answer", time.Minute, noon.Add(time.Hour), 59 * time.Minute},
		{"behind", 0, noon.Add(-time.Hour), -time.Hour},
		{"behind the beginning of a slow answer", time.Minute, noon.Add(-time.Hour), -time.Hour},
	} {
		if got := skew.Apart(noon, noon.Add(test.took), test.remote); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	if got := skew.Apart(time.Time{}, noon, noon.Add(time.Hour)) + skew.Apart(noon, time.Time{}, noon.Add(time.Hour)); got != 0 {
		t.Errorf("without a time here: %v", got)
	}
}

func ExampleApart() {
	sent := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	received := sent.Add(3 * time.Second)
	date := time.Date(2026, 11, 26, 11, 45, 1, 0, time.UTC) // of the answer
	fmt.Println("the server's clock is", -skew.Apart(sent, received, date), "behind")
	// Output: the server's clock is 14m59s behind
}
