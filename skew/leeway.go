package skew

import "time"

// DefaultLeeway is how far apart two clocks are presumed to be when nothing is
// known of either. RFC 7519 section 4.1.4 suggests "no more than a few
// minutes"; machines that run NTP are within a second.
const DefaultLeeway = 30 * time.Second

// Leeway applies the rule that Leeway fields in this module follow where they do
// not say otherwise: zero means [DefaultLeeway], negative means none.
func Leeway(d time.Duration) time.Duration {
	if d == 0 {
		return DefaultLeeway
	}
	return max(0, d)
}
