package ranchertest

import "net/http"

// A Fault is what goes wrong with a server: it answers in the place of h, or
// spoils what h answers. It decides for each request whether to.
type Fault func(h http.Handler) http.Handler
