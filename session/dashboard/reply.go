package dashboard

import (
	"strings"

	"github.com/tokenlife/tokenlife/internal/strictjson"
)

// A reply is what stands in an answer: in 2.x a session or errors, in 7.x the
// bearer token that was sent. A CSRF token has the place of that.
type reply struct {
	session  string
	bearer   string
	problems int     // how many errors there are
	worst    problem // the first of them that refuses, or the last
}

// A problem is an error as the Dashboard words it, the Status of Kubernetes.
type problem struct {
	code    string
	message string // for comparisons only: it may repeat what was sent
}

// refuses reports whether a problem says that what was sent is no good.
func (p problem) refuses() bool {
	return p.code == "401" || p.code == "403" || strings.HasPrefix(p.message, "MSG_")
}

// parse reads the body of a success. The error has nothing of it.
func (a *response) parse() (reply, error) {
	var p reply
	r := strictjson.NewReader(a.body, strictjson.Limits{Size: longestAnswer})
	for name := range r.Object() {
		switch name {
		case "jweToken":
			p.session = r.Text()
		case "token":
			p.bearer = r.Text()
		case "errors":
			if r.Kind() == strictjson.Null {
				continue
			}
			for range r.Array() {
				p.problems++
				s := readProblem(&r)
				if !p.worst.refuses() {
					p.worst = s
				}
			}
		}
	}
	if err := r.End(); err != nil {
		return reply{}, strictjson.Placed(err, "jweToken", "token", "errors")
	}
	return p, nil
}

// readProblem reads an object with the member ErrStatus.
func readProblem(r *strictjson.Reader) (p problem) {
	if r.Kind() != strictjson.Object {
		r.Skip()
		return p
	}
	for name := range r.Object() {
		if name != "ErrStatus" || r.Kind() != strictjson.Object {
			continue
		}
		for name := range r.Object() {
			switch {
			case name == "code" && r.Kind() == strictjson.Number:
				p.code = r.Number()
			case name == "message" && r.Kind() == strictjson.String:
				p.message = r.Text()
			}
		}
	}
	return p
}

// said returns what an error says: a text in 2.x, and in 7.x, and of some filters,
// JSON. It is for comparisons only.
func said(body string) string {
	text := strings.TrimSpace(body)
	r := strictjson.NewReader(text, strictjson.Limits{})
	var s string
	switch r.Kind() {
	case strictjson.Object:
		s = readProblem(&r).message
	case strictjson.String:
		s = r.Text()
	default:
		return text
	}
	if r.End() != nil {
		return text
	}
	return s
}
