//go:build race

package refresh

// underRace reports whether the race detector is on, which takes ten times as
// long.
const underRace = true
