package tries

import (
	"slices"
	"testing"
	"time"
)

// TestRun shows that a failure brings another try with more time, that each is cleaned up
// before the next, and that one which passes is the last.
func TestRun(t *testing.T) {
	var patience []time.Duration
	var order []int
	Run(t, func(t *Try) {
		patience = append(patience, t.Patience)
		n := len(patience)
		t.Cleanup(func() {
			if t.Context().Err() == nil {
				t.Error("the context of a try is not over at its end")
			}
			order = append(order, n, 1)
			fatalAgain(t)
		})
		t.Cleanup(func() { order = append(order, n, 0) })
		if n < 3 {
			t.Fatal("a failure that says nothing")
		}
	})
	if want := []time.Duration{1, 2, 4}; !slices.Equal(patience, want) {
		t.Errorf("the tries had the patience %v, want %v", patience, want)
	}
	if want := []int{1, 0, 1, 1, 2, 0, 2, 1, 3, 0, 3, 1}; !slices.Equal(order, want) {
		t.Errorf("they were cleaned up in the order %v, want %v", order, want)
	}
}

// fatalAgain ends what calls it, as a Fatal in a Cleanup does, where the try has failed
// already.
func fatalAgain(t *Try) {
	if t.Failed() {
		t.FailNow()
	}
}
