package kubeconfig

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// set returns f with another value for a field of a user, such as
// auth-provider.config.id-token. Only the bytes of that value are others; a field that
// is not there is put before one that is. So comments, the order, unknown fields,
// anchors and what ends lines stay.
//
// A few bytes in the middle of a YAML text can change all of it, so that what came out
// is parsed, and is taken only if nothing but the field differs. Otherwise it is an
// error that says what to do by hand.
func (f *file) set(user *userEntry, field string, text string) (*file, error) {
	if bytes.HasPrefix(f.text, []byte("\xff\xfe")) || bytes.HasPrefix(f.text, []byte("\xfe\xff")) {
		return nil, fmt.Errorf("kubeconfig: %s is UTF-16, as PowerShell writes, and cannot be changed: save it as UTF-8", f.path)
	}
	at, err := user.holder(field)
	if err != nil {
		return nil, err
	}
	w := wish{at: at.node, name: field[strings.LastIndexByte(field, '.')+1:], value: text}
	for _, s := range f.splices(w) {
		spliced := slices.Concat(f.text[:s.from], []byte(s.text), f.text[s.to:])
		doc, err := parse(spliced)
		if err == nil && doc != nil && w.granted(f.doc, doc) {
			return parseFile(f.path, spliced)
		}
	}
	return nil, at.unusual(w.name)
}

// holder returns the mapping in which a field of the user is, or would be.
func (u *userEntry) holder(field string) (mapping, error) {
	r := &reader{path: u.file.path}
	m := u.at
	m.r = r
	names := strings.Split(field, ".")
	for i, name := range names {
		v := m.get(name)
		if v.shared {
			return mapping{}, m.unusual(name)
		}
		if i < len(names)-1 {
			m = v.mapping()
		}
	}
	if m.node == nil {
		m.fault("missing: set it with kubectl config set-credentials --auth-provider-arg")
	}
	return m, r.err
}

// unusual returns the error for a field that cannot be changed alone.
func (m mapping) unusual(name string) error {
	return fmt.Errorf("kubeconfig: %s, line %d: %s.%s cannot be changed without touching what is around it: write it, and what it is in, without anchors, aliases and tags, and on one line; or change it with kubectl config set-credentials", m.r.path, m.line, m.field, name)
}

// A splice is a text in the place of another, which may be empty.
type splice struct {
	extent
	text string
}

// splices returns what may do what is wished.
func (f *file) splices(w wish) []splice {
	value := asText(w.value)
	for i := 0; i+1 < len(w.at.Content); i += 2 {
		if w.at.Content[i].Value == w.name {
			e, ok := extentOf(f.text, w.at.Content[i+1])
			if !ok {
				return nil
			}
			if e.from == e.to { // behind a colon
				value = " " + value
			}
			return []splice{{e, value}}
		}
	}
	var all []splice
	for i := 0; i+1 < len(w.at.Content) && len(all) < maxSplices; i += 2 {
		sibling := w.at.Content[i]
		from := offset(f.text, sibling.Line, sibling.Column)
		text := asText(w.name) + ": " + value + ", "
		if w.at.Style&yaml.FlowStyle == 0 {
			indent := f.text[offset(f.text, sibling.Line, 1):from]
			text = asKey(w.name) + ": " + value + f.lineEnd(from) + string(indent)
		}
		all = append(all, splice{extent{from, from}, text})
	}
	return all
}

// maxSplices is how many places are tried for a new field. Before the first there may
// be a comment, which must stay with the field that it is about.
const maxSplices = 16

// lineEnd returns what ends the line that from is on, or would.
func (f *file) lineEnd(from int) string {
	line := f.text[from:][:lineLength(f.text[from:])]
	for _, end := range lineBreaks {
		if bytes.HasSuffix(line, end) {
			return string(end)
		}
	}
	return "\n"
}

// asText returns value as a string of JSON, which YAML reads alike wherever it stands.
func asText(value string) string {
	text, _ := json.Marshal(value) // which never fails for a string
	return string(text)
}

var plainKey = regexp.MustCompile(`^[a-z]+(-[a-z]+)+$`)

// asKey returns name as kubectl writes a field's.
func asKey(name string) string {
	if plainKey.MatchString(name) {
		return name
	}
	return asText(name)
}
