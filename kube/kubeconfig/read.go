package kubeconfig

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// Bounds of a document. What kubectl itself writes is 8 deep.
const (
	maxDepth = 64
	maxMarks = 1 << 18
)

// parse reads the one document in text, which is YAML, and so may be JSON. It returns
// the document, of which nothing is looked at yet, or nil if there is none.
//
// An error repeats nothing of the text: half of it may be secret.
func parse(text []byte) (doc *yaml.Node, err error) {
	defer func() {
		if recover() != nil {
			doc, err = nil, errors.New("no YAML that can be read")
		}
	}()
	if marks(text) > maxMarks {
		return nil, errors.New("it has far more in it than a kubeconfig: is it the right file?")
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	doc = new(yaml.Node)
	switch err := d.Decode(doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, syntax(text, err)
	}
	switch err := d.Decode(new(yaml.Node)); {
	case err == nil:
		return nil, errors.New("there is a second document behind a line of three dashes, which kubectl does not read: remove it, or make it a file of its own")
	case !errors.Is(err, io.EOF):
		return nil, syntax(text, err)
	}
	if deeper(doc, maxDepth) {
		return nil, fmt.Errorf("its values are nested more than %d deep", maxDepth)
	}
	return doc, nil
}

// marks counts what may begin a value, for values take a hundred times the memory of
// their text.
func marks(text []byte) int {
	n := 0
	for i, c := range text {
		switch c {
		case ':', ',', '[', '{', '?':
			n++
		case '-':
			if i+1 == len(text) || text[i+1] <= ' ' {
				n++
			}
		}
	}
	return n
}

func deeper(n *yaml.Node, most int) bool {
	if most < 0 {
		return true
	}
	for _, c := range n.Content { // the value that an alias stands for is not in it
		if deeper(c, most-1) {
			return true
		}
	}
	return false
}

var (
	syntaxError   = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
)

// syntax returns an error of the YAML package about text, with the line and without
// what it repeats of the text.
func syntax(text []byte, err error) error {
	// The name of an anchor may be a password that begins with a star.
	if m := unknownAnchor.FindStringSubmatch(err.Error()); m != nil {
		before, _, _ := bytes.Cut(text, []byte("*"+m[1]))
		return fmt.Errorf("line %d: a value begins with *, and so is the name of an anchor, but there is none of that name; put the value in quotes", 1+bytes.Count(before, []byte("\n")))
	}
	if m := syntaxError.FindStringSubmatch(err.Error()); m != nil {
		return fmt.Errorf("near line %s: not valid YAML: %s", cmp.Or(m[1], "1"), m[2])
	}
	return errors.New("no YAML that can be read")
}

// asJSON returns a value of a document as JSON. The YAML package bounds what aliases
// make of it.
func asJSON(n *yaml.Node) (text []byte, err error) {
	defer func() {
		if recover() != nil {
			text, err = nil, errors.New("no YAML that can be read")
		}
	}()
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
