package kubeconfig

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A reader reads the fields of a document. The first fault stays in err, and what is
// read behind it means nothing; so that those who read need not look for it each time.
type reader struct {
	path string // of the file
	err  error
}

// A value is one of the document, or one that is not there.
type value struct {
	r     *reader
	field string     // such as users[2].user.exec.command
	node  *yaml.Node // without aliases; nil if it is absent or null
	line  int        // of the nearest that there is

	shared bool // whether other values of the document may be the same one, by an alias
}

// fault records what is wrong with a value, and what to do about it. It must not
// repeat the value.
func (v value) fault(format string, args ...any) {
	if v.r.err == nil {
		v.r.err = fmt.Errorf("kubeconfig: %s, line %d: %s: %s", v.r.path, v.line, cmp.Or(v.field, "the document"), fmt.Sprintf(format, args...))
	}
}

// as returns the value of a node. An alias is followed; as nothing here is followed
// deeper than the fields go, and no list longer than it stands there, no number of
// aliases makes much of little.
func (v value) as(field string, n *yaml.Node) value {
	v.field, v.line = field, n.Line
	v.shared = v.shared || n.Kind == yaml.AliasNode || n.Anchor != ""
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	v.node = n
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		v.node = nil
	}
	return v
}

// A mapping is a value that has fields.
type mapping struct {
	value
	of map[string]*yaml.Node
}

// mapping returns v as one; empty if v is absent.
func (v value) mapping() mapping {
	m := mapping{value: v, of: map[string]*yaml.Node{}}
	if v.node == nil {
		return m
	}
	if v.node.Kind != yaml.MappingNode {
		v.fault("%s, where fields belong, each as name: value", kindOf(v.node))
		return m
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.node.Content[i]
		at := v
		at.line = key.Line
		switch {
		case key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge":
			at.fault("the key << merges another mapping into this one, which is not followed here; write its fields out")
		case key.Kind != yaml.ScalarNode:
			at.fault("a key that is no word")
		case lines[key.Value] != 0:
			at.fault("a field that is there already, on line %d; keep one of them", lines[key.Value])
		}
		lines[key.Value] = key.Line
		m.of[key.Value] = v.node.Content[i+1]
	}
	return m
}

// get returns a field.
func (m mapping) get(name string) value {
	v := m.value
	v.field = strings.TrimPrefix(m.field+"."+name, ".")
	if n, ok := m.of[name]; ok {
		return v.as(v.field, n)
	}
	v.node = nil
	return v
}

// list returns the elements of v; none if v is absent.
func (v value) list() []value {
	if v.node == nil {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.fault("%s, where a list belongs", kindOf(v.node))
		return nil
	}
	all := make([]value, len(v.node.Content))
	for i, n := range v.node.Content {
		all[i] = v.as(v.field+"["+strconv.Itoa(i)+"]", n)
	}
	return all
}

// texts returns the elements of v as strings.
func (v value) texts() (all []string) {
	for _, e := range v.list() {
		all = append(all, e.text())
	}
	return all
}

// text returns v as a string, empty if it is absent, which is the same to kubectl.
func (v value) text() string {
	if v.node == nil {
		return ""
	}
	switch tag := v.node.ShortTag(); {
	case v.node.Kind != yaml.ScalarNode:
	case tag == "!!str" && v.node.Style == 0 && booleans.MatchString(v.node.Value):
		v.fault("a boolean to kubectl, where a text belongs; put it in quotes")
		return ""
	case tag == "!!str" || tag == "!!timestamp":
		return v.node.Value
	case tag == "!!bool" || tag == "!!int" || tag == "!!float":
		v.fault("a number or a boolean, where a text belongs; put it in quotes")
		return ""
	}
	v.fault("%s, where a text belongs", kindOf(v.node))
	return ""
}

// bytes returns v as what it is the base64 of.
func (v value) bytes() []byte {
	b, err := base64.StdEncoding.DecodeString(v.text())
	if err != nil {
		v.fault("not the base64 of anything; it must be standard base64, with its padding")
		return nil
	}
	return b
}

// truth returns v as a boolean, false if it is absent.
func (v value) truth() bool {
	if v.node == nil {
		return false
	}
	var b bool
	if v.node.Kind != yaml.ScalarNode || v.node.Style != 0 || v.node.Decode(&b) != nil { // also the words below
		v.fault("%s, where true or false belongs", kindOf(v.node))
	}
	return b
}

// booleans are the words that were true or false before YAML 1.2, and are so to kubectl.
var booleans = regexp.MustCompile(`^(?i:y|yes|on|n|no|off)$`)

// kindOf names what a node is.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "fields"
	case yaml.SequenceNode:
		return "a list"
	}
	if tag := n.ShortTag(); strings.HasPrefix(tag, "!!") && tag != "!!binary" {
		return "one value"
	}
	return "a value with a tag"
}
