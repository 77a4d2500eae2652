package skew

import "time"

// Apart returns by how much a remote clock is ahead of the local one, at least: less
// than 0 means behind, and 0 that they may agree. It is for people, who want to be told
// that a clock is wrong and not that an answer was slow; a [Clock] is for programs.
//
// Remote is what the remote clock said, cut to the second as an HTTP Date is, in an answer
// that was sent for and received at those local times. It is good to a second. If any of
// the three is zero, nothing is known, and the clocks may agree.
func Apart(sent, received, remote time.Time) time.Duration {
	if sent.IsZero() || received.IsZero() || remote.IsZero() {
		return 0
	}
	if ahead := remote.Sub(received); ahead > 0 {
		return ahead.Round(time.Second)
	}
	if behind := remote.Sub(sent); behind < -time.Second {
		return behind.Round(time.Second)
	}
	return 0
}
