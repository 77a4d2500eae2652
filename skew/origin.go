package skew

import (
	"fmt"
	"net/http"

	"github.com/tokenlife/tokenlife/internal/origin"
)

// trusted reports whether somebody at o can be told from an impostor: the way
// there is https, or http within this machine.
func trusted(o origin.Origin) bool { return o.Encrypted() || o.Plain() && o.Loopback() }

// home returns the origin that the Clock's Origin field names.
func (c *Clock) home() (origin.Origin, error) {
	o, err := origin.Parse(c.Origin)
	if err != nil {
		return o, fmt.Errorf("skew: nothing is observed: Clock.Origin is %w", err)
	}
	if !trusted(o) {
		return o, fmt.Errorf("skew: nothing is observed: Clock.Origin %v is neither https nor a literal loopback address: set it to one that is", o)
	}
	return o, nil
}

// stayed reports whether the request and the answer have not left the origin
// first asked. A base may leave resp.Request out, or follow redirects by itself.
func stayed(req *http.Request, resp *http.Response) bool {
	o := origin.Of(req.URL)
	return o.Stayed(req, nil) && (resp.Request == nil || o.Stayed(resp.Request, nil))
}
