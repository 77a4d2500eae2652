package jwe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tokenlife/tokenlife/token/jwt"
)

// checkAlgorithms says what is wrong with a list of algorithms that a program
// has set, of which all must be for keys of some kinds.
func checkAlgorithms(listed []string, kinds ...kind) (faults []string) {
	if listed != nil && len(listed) == 0 {
		faults = append(faults, "Algorithms that list none")
	}
	for _, name := range listed {
		if a := algorithms[name]; a == nil || !slices.Contains(kinds, a.kind) {
			faults = append(faults, fmt.Sprintf("%.20q in Algorithms, which is never accepted", name))
		}
	}
	return faults
}

// incomplete returns an error about what is wrong with a thing of this package
// that a program has set, if something is.
func incomplete(thing string, keys jwt.KeySet, faults []string) error {
	if fixed, ok := keys.(jwt.Keys); keys == nil || ok && len(fixed) == 0 {
		faults = append(faults, "no Keys")
	}
	if faults == nil {
		return nil
	}
	return fmt.Errorf("jwe: %s has %s: set its fields", thing, strings.Join(faults, "; "))
}
