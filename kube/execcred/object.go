package execcred

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// longest is how many bytes are read of a request or of an answer.
const longest = 1 << 20

// An object is one of JSON, whose members are read by their names to the letter, as
// client-go does, and each of which there is once: of two, one reader takes the first
// and another the last. Others than those asked for may be there, for newer versions
// have them. What is null is not there.
//
// The first fault sticks, in fault, with the name of the field it is in. It has
// nothing of the text.
type object struct {
	path    string // its own name, such as "spec.cluster"; empty for the outermost
	members map[string]json.RawMessage
	fault   *error
}

// parse reads text, which is one object and nothing else.
func parse(text []byte) object {
	o := object{fault: new(error)}
	switch {
	case len(text) > longest:
		o.fail("", "longer than 1 MiB")
	case !utf8.Valid(text):
		o.fail("", "not JSON: it is not UTF-8")
	default:
		o.fill(text)
	}
	return o
}

// object returns the member name, an object, and whether it is there.
func (o object) object(name string) (object, bool) {
	var raw json.RawMessage
	o.read(name, &raw, "")
	if raw == nil || string(raw) == "null" {
		return object{fault: o.fault}, false
	}
	member := object{path: o.field(name), fault: o.fault}
	member.fill(raw)
	return member, true
}

// text returns the member name, a string.
func (o object) text(name string) (s string) {
	o.read(name, &s, "not a string")
	return s
}

// truth returns the member name, a boolean.
func (o object) truth(name string) (b bool) {
	o.read(name, &b, "neither true nor false")
	return b
}

// read reads the member name into v, or fails with what it is then.
func (o object) read(name string, v any, otherwise string) {
	if raw, ok := o.members[name]; ok && json.Unmarshal(raw, v) != nil {
		o.fail(name, otherwise)
	}
}

// fail makes it a fault of the member name, or of o if that is empty, that it is what
// why says.
func (o object) fail(name, why string) {
	if *o.fault != nil {
		return
	}
	if field := o.field(name); field != "" {
		why = field + ": " + why
	}
	*o.fault = errors.New(why)
}

// field returns the whole name of the member name.
func (o object) field(name string) string { return strings.Trim(o.path+"."+name, ".") }

// fill reads the members of text, which is to be an object.
func (o *object) fill(text []byte) {
	d := json.NewDecoder(bytes.NewReader(text))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		o.fail("", "no JSON object")
		return
	}
	o.members = map[string]json.RawMessage{}
	seen := map[string]bool{}
	for d.More() {
		var value json.RawMessage
		key, err := d.Token()
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			o.fail("", "not JSON, or cut off")
			return
		}
		name := key.(string) // the decoder takes nothing else for a key
		if seen[strings.ToLower(name)] {
			o.fail(known(name), "there twice, perhaps in another case")
			return
		}
		seen[strings.ToLower(name)] = true
		o.members[name] = value
	}
	if _, err := d.Token(); err != nil {
		o.fail("", "not JSON, or cut off")
	} else if _, err := d.Token(); err != io.EOF {
		o.fail("", "more text after the JSON object")
	}
}

// known returns name if it is one that an ExecCredential has, for an error, or what
// stands for any other.
func known(name string) string {
	for _, known := range []string{
		"apiVersion", "kind", "spec", "interactive", "cluster", "server",
		"status", "token", "expirationTimestamp", "clientCertificateData", "clientKeyData",
	} {
		if strings.EqualFold(known, name) {
			return known
		}
	}
	return "some member"
}
