package rancher

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

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
		return said{status: a.status}
	}
	s.isError = kind == "error" || baseType == "error" || k8s == "Status" && failure
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
		if r == '\uFFFD' || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
