package kubeconfig

import (
	"testing"
	"testing/synctest"
	"time"
)

// A file is read whole: not as it is while somebody has it locked, nor as it was when a
// lock came and went in between; and one that never settles is read nevertheless.
func TestSettled(t *testing.T) {
	t.Parallel()
	// What each look at the lock, and each reading, finds; the last goes on.
	for _, test := range []struct {
		name  string
		locks []bool
		texts []string
		want  string
		took  time.Duration
	}{
		{"calm", []bool{false}, []string{"whole"}, "whole", 0},
		{"locked before", []bool{true, false}, []string{"ha", "whole"}, "whole", settling / 25},
		{"locked after", []bool{false, true, false}, []string{"ha", "whole"}, "whole", settling / 25},
		{"locked in between", []bool{false}, []string{"ha", "whole"}, "whole", settling / 25},
		{"locked for ever", []bool{true}, []string{"ha"}, "ha", settling},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				got, err := settled(func() ([]byte, error) { return []byte(shift(&test.texts)), nil }, func() bool { return shift(&test.locks) })
				if string(got) != test.want || err != nil || time.Since(began) != test.took {
					t.Errorf("%q, %v after %v, want %q after %v", got, err, time.Since(began), test.want, test.took)
				}
			})
		})
	}
}

// shift returns the first of all, and removes it if it is not the last.
func shift[E any](all *[]E) E {
	first := (*all)[0]
	if len(*all) > 1 {
		*all = (*all)[1:]
	}
	return first
}
