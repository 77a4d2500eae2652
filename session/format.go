package session

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/tokenlife/tokenlife/token"
)

// version is raised when an older reader would misread what is written.
const version = 1

// maxID is how many letters an ID has at most, whoever made it: it must fit into
// the keys of a Store.
const maxID = 64

// record is what is sealed, version 1.
type record[T any] struct {
	Version int    `json:"v"`
	ID      string `json:"id"`
	Login   string `json:"login,omitempty"` // if it is not ID
	Subject string `json:"sub"`
	Epoch   int64  `json:"epoch,omitempty"`
	Began   int64  `json:"began"`
	Seen    int64  `json:"seen"`
	Data    T      `json:"data"`
}

// encode returns s as it is sealed. The error repeats nothing of the data.
func encode[T any](s *Session[T]) ([]byte, error) {
	switch {
	case s.Subject == "":
		return nil, errors.New("session: the subject is empty: it says whose session it is")
	case !utf8.ValidString(s.Subject): // of which JSON would make another
		return nil, errors.New("session: the subject is not UTF-8: give it in a form that is")
	}
	r := record[T]{version, s.ID, s.login, s.Subject, s.epoch, s.Began.UnixMilli(), s.Seen.UnixMilli(), s.Data}
	if s.login == s.ID {
		r.Login = ""
	}
	text, err := marshal(&r)
	if err != nil {
		return nil, fmt.Errorf("session: the data cannot be written as JSON: %s", fault(err))
	}
	return text, nil
}

// decode reads what encode wrote. Its error matches [token.ErrMalformed], also if
// a method of the data panics: a new login has data that is read.
func decode[T any](text []byte) (*Session[T], error) {
	var r record[T]
	err := unmarshal(text, &r)
	if r.Login == "" {
		r.Login = r.ID
	}
	var why string
	switch {
	case r.Version > version || r.Version != version && err == nil:
		why = fmt.Sprintf("version %d, which is not known here", r.Version)
	case err != nil:
		why = "it was sealed with data of another kind: " + fault(err)
	case !isID(r.ID) || !isID(r.Login):
		why = "it has no ID"
	case r.Subject == "":
		why = "it has no subject"
	default:
		return &Session[T]{
			ID: r.ID, Subject: r.Subject, Data: r.Data, Began: time.UnixMilli(r.Began), Seen: time.UnixMilli(r.Seen),
			login: r.Login, epoch: r.Epoch,
		}, nil
	}
	return nil, fmt.Errorf("%w: %s", token.ErrMalformed, why)
}

// isID reports whether id is of letters that IDs are of.
func isID(id string) bool {
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return 0 < len(id) && len(id) <= maxID
}
