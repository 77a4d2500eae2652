package rancher

import (
	"slices"
	"strings"

	"github.com/tokenlife/tokenlife/internal/strictjson"
)

// reader returns a reader of the answer's body.
func (a *answer) reader() strictjson.Reader {
	return strictjson.NewReader(a.body, strictjson.Limits{Size: longestList, Count: 1 << 18})
}

// isPage reports whether the answer is for people: a proxy's login page, or
// Rancher's own UI, which some paths fall back to.
func (a *answer) isPage() bool {
	text := strings.TrimSpace(strings.TrimPrefix(a.body, "\ufeff"))
	kind := strings.ToLower(a.header.Get("Content-Type"))
	return strings.HasPrefix(text, "<") || text != "" && strings.HasPrefix(kind, "text/html")
}

// A said is what an error of Rancher's says, in any of its shapes: those of
// Cattle, of norman and steve, of the filter in front of them, whose status is
// a string, and the Status of Kubernetes, whose reason takes the code's place.
type said struct {
	isError bool // it is of one of those shapes
	code    string
	field   string
	message string // for comparisons only: it may repeat what was sent, and is not printed
}

// read returns what an answer says as an error. It is never an error itself: an
// answer that cannot be read says nothing.
func read(a *answer) said {
	var s said
	var kind, baseType, k8s string
	var failure bool
	r := a.reader()
	for name := range r.Object() {
		switch name {
		case "type":
			kind = text(&r)
		case "baseType":
			baseType = text(&r)
		case "kind":
			k8s = text(&r)
		case "status":
			failure = text(&r) == "Failure"
		case "code", "reason":
			if t := text(&r); t != "" {
				s.code = t
			}
		case "fieldName":
			s.field = text(&r)
		case "message":
			s.message = text(&r)
		}
	}
	if r.End() != nil {
		return said{}
	}
	s.isError = kind == "error" || baseType == "error" || k8s == "Status" && failure
	if !s.isError {
		return said{}
	}
	if !slices.Contains(knownFields, s.field) {
		s.field = ""
	}
	return s
}

// knownFields are the names of fields that are repeated.
var knownFields = []string{"code", "type", "ttl", "username", "password", "clusterId", "userId", "value"}
