//go:build race

package rancher_test

// underRace reports whether the race detector is on, which takes ten times as
// long.
const underRace = true
