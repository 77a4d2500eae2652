package main

import (
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// A screen is how what is written looks.
type screen struct {
	width  int // of a terminal; 0 means that it is none, where nothing is drawn or wrapped
	colour bool
}

// A colour is what makes a terminal use it (ECMA-48).
type colour string

const (
	plain      colour = ""
	bold       colour = "\x1b[1m"
	red        colour = "\x1b[31m"
	green      colour = "\x1b[32m"
	yellow     colour = "\x1b[33m"
	uncoloured        = "\x1b[m"
)

// widest is as wide as text can well be read.
const widest = 100

func screenOf(w io.Writer) screen {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return screen{}
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	kind := os.Getenv("TERM")
	return screen{width: min(width, widest), colour: kind != "" && kind != "dumb" && os.Getenv("NO_COLOR") == ""}
}

// paint returns text in a colour, if there are colours.
func (s screen) paint(c colour, text string) string {
	if !s.colour || c == plain || text == "" {
		return text
	}
	return string(c) + text + uncoloured
}

// wrap returns text in lines that fit behind an indent. A word that is too long for
// that stays whole, so that it can be copied.
func (s screen) wrap(indent int, text string) []string {
	if s.width == 0 {
		return []string{text}
	}
	room := max(s.width-indent, 20)
	var lines []string
	line := ""
	for word := range strings.SplitSeq(text, " ") {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > room {
			lines = append(lines, line)
			line = word
			continue
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// longestText is more than anybody wants to read of what somebody else has written.
const longestText = 1000

// clean returns s as one line that does nothing to a terminal, and is not too long.
// Anybody can write into a token what they like.
func clean(s string) string {
	words := strings.FieldsFunc(strings.ToValidUTF8(s, " "), func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) })
	s = strings.Join(words, " ")
	if len(s) > longestText {
		s = strings.ToValidUTF8(s[:longestText], "") + "…"
	}
	return s
}
