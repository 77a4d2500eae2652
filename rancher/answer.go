package rancher

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/internal/strictjson"
)

// reader returns a reader of the answer's body.
func (a *answer) reader() strictjson.Reader {
	return strictjson.NewReader(a.body, strictjson.Limits{Size: longestList, Count: 1 << 18})
}

// isPage reports whether the answer is for people: a proxy's login page, or
// Rancher's own UI, which some paths fall back to.
func (a *answer) isPage() bool {
	kind := a.header.Get("Content-Type")
	return strings.HasPrefix(kind, "text/html") || kind == "" && strings.HasPrefix(strings.TrimSpace(a.body), "<")
}

// A said is what an error of Rancher's says, in any of its shapes: those of
// Cattle, of norman and steve, of the filter in front of them, whose status is
// a string, and the Status of Kubernetes, whose reason takes the code's place.
type said struct {
	isError bool // it is of one of those shapes
	status  int  // the HTTP status; the one in the body is not used
	code    string
	field   string
	message string // for comparisons only: it may repeat what was sent, and is not printed
}

// read returns what an answer says as an error. It is never an error itself: an
// answer that cannot be read says nothing.
func read(a *answer) said {
	s := said{status: a.status}
	var kind, baseType, k8s string
	var plainStatus bool
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
			plainStatus = r.Kind() == strictjson.Number || r.Kind() == strictjson.String
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
		return said{status: a.status}
	}
	s.isError = kind == "error" || baseType == "error" || k8s == "Status" && plainStatus
	if !s.isError {
		return said{status: a.status}
	}
	if !slices.Contains(knownFields, s.field) {
		s.field = ""
	}
	return s
}

// knownFields are the names of fields that are repeated.
var knownFields = []string{"code", "type", "ttl", "username", "password", "clusterId", "userId", "value"}

// text reads a string, and skips whatever else there is in its place.
func text(r *strictjson.Reader) string {
	if r.Kind() == strictjson.String {
		return r.Text()
	}
	r.Skip()
	return ""
}

// date returns the server's time, by the header Date; zero if there is none.
func (a *answer) date() time.Time {
	t, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t
}

// brief returns the beginning of s, as one line that can be printed.
func brief(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' || 0x80 <= r && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
