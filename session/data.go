package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tokenlife/tokenlife/internal/panics"
)

// comesBack returns an error if text, which encode has returned, would not be
// read by decode, or not with what it was written of.
func comesBack[T any](text []byte) error {
	// A Secret is written as this, and refuses to be read from it; but what has
	// the type any would take it for its value.
	if bytes.Contains(text, []byte(`"[redacted]"`)) {
		return errors.New("session: there is a token.Secret in the data, which does not survive JSON: keep a token.Record")
	}
	if err := unmarshal(text, new(record[T])); err != nil {
		return fmt.Errorf("session: the data can be written as JSON, but not be read again: %s", fault(err))
	}
	return nil
}

// marshal and unmarshal are those of package json, for data whose methods may
// panic.
func marshal(v any) (text []byte, err error) {
	defer recovered(&err)
	return json.Marshal(v)
}

func unmarshal(text []byte, v any) (err error) {
	defer recovered(&err)
	return json.Unmarshal(text, v)
}

func recovered(err *error) {
	if value := recover(); value != nil {
		*err = &panicError{panics.Error("a JSON method of the data", value).Error()}
	}
}

// A panicError is an error of internal/panics, which repeats no secret.
type panicError struct{ text string }

func (e *panicError) Error() string { return e.text }

// fault says what is wrong with the data, given an error of marshal or unmarshal.
// It names types and no values: what json says, or a method of the data, may have
// some of the data in it, and may match anything.
func fault(err error) string {
	switch e := err.(type) {
	case *panicError:
		return e.text
	case *json.UnmarshalTypeError:
		return fmt.Sprintf("%s has another type than %v", e.Field, e.Type)
	case *json.UnsupportedTypeError:
		return fmt.Sprintf("%v has no form there", e.Type)
	case *json.UnsupportedValueError:
		return fmt.Sprintf("some value of type %v has no form there", e.Value.Type())
	case *json.MarshalerError:
		return fmt.Sprintf("a method of %v has failed", e.Type)
	case *json.SyntaxError:
		return "it is no JSON"
	}
	return "a method of the data has failed"
}
