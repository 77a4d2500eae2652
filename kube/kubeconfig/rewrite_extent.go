package kubeconfig

import (
	"bytes"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// An extent is a part of a text, from one byte up to another.
type extent struct{ from, to int }

// extentOf returns where in text a value is written. It may be wrong about what is
// written in an unusual way; whoever uses it looks at what came of it.
func extentOf(text []byte, n *yaml.Node) (extent, bool) {
	from := offset(text, n.Line, n.Column)
	rest := text[from:]
	length := -1
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		length = quoted(rest, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		length = quoted(rest, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		length = block(rest)
	case bytes.HasPrefix(rest, []byte(n.Value)): // plain, on one line, and maybe nothing
		length = len(n.Value)
	}
	return extent{from, from + length}, length >= 0
}

// offset returns where a line and a column are in text, both counted from 1 and the
// column in characters, as YAML counts them.
func offset(text []byte, line, column int) int {
	at := 0
	if bytes.HasPrefix(text, []byte(byteOrderMark)) {
		at = len(byteOrderMark)
	}
	for ; line > 1 && at < len(text); line-- {
		at += lineLength(text[at:])
	}
	for ; column > 1 && at < len(text); column-- {
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return at
}

const byteOrderMark = "\ufeff"

// lineBreaks end a line in YAML.
var lineBreaks = [][]byte{[]byte("\r\n"), []byte("\n"), []byte("\r"), []byte("\u0085"), []byte("\u2028"), []byte("\u2029")}

// lineLength returns how long the first line of text is, with what ends it.
func lineLength(text []byte) int {
	for i := range text {
		if c := text[i]; c != '\n' && c != '\r' && c < 0x80 {
			continue
		}
		for _, end := range lineBreaks {
			if bytes.HasPrefix(text[i:], end) {
				return i + len(end)
			}
		}
	}
	return len(text)
}

// quoted returns how long the quoted text is with which rest begins, or -1.
func quoted(rest []byte, quote byte) int {
	if len(rest) == 0 || rest[0] != quote {
		return -1
	}
	for i := 1; i < len(rest); i++ {
		switch {
		case quote == '"' && rest[i] == '\\':
			i++
		case quote == '\'' && bytes.HasPrefix(rest[i:], []byte("''")):
			i++
		case rest[i] == quote:
			return i + 1
		}
	}
	return -1
}

// block returns how long the literal or folded text is with which rest begins, without
// what ends its last line, or -1.
func block(rest []byte) int {
	if len(rest) == 0 || rest[0] != '|' && rest[0] != '>' {
		return -1
	}
	at := lineLength(rest)
	length, indent := -1, 0
	for at < len(rest) {
		line := rest[at:][:lineLength(rest[at:])]
		at += len(line)
		content := bytes.TrimRight(line, "\r\n\u0085\u2028\u2029")
		spaces := len(content) - len(bytes.TrimLeft(content, " "))
		if spaces == len(content) { // which may be within
			continue
		}
		if indent == 0 {
			indent = spaces
		}
		if spaces < indent || indent == 0 {
			break
		}
		length = at - len(line) + len(content)
	}
	return length
}
