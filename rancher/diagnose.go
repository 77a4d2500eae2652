package rancher

import (
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A Suspect is a token that is refused, and what is known of it here. The more
// is known, the more is certain.
type Suspect struct {
	Token token.Secret // required

	// Created is when it was made, Lifetime how long it was granted, and Asked
	// how long it was asked for: what a Login, a V3Token or a V3Event has said.
	// Zero means that it is not known.
	Created         time.Time
	Lifetime, Asked time.Duration

	// URL is what it was refused for, if that is known: a URL of the server, or
	// the path of one.
	URL string
}
