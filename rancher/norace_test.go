//go:build !race

package rancher_test

// underRace reports whether the race detector is on.
const underRace = false
