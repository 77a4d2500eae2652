package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// A report is the result as it is printed.
type report struct {
	w      io.Writer
	status io.Writer // a terminal, or nil
	quick  bool

	judged, short int
}

// A row is one line of it.
type row struct {
	name  string
	cells []string // ours, then those of the peers that have one
	ratio string   // ours to what it is measured against, and that
	bar   string   // empty if the row is for the record only
	ok    bool     // whether ours reaches the bar
	timed bool     // a busy machine could miss the bar, so a quick run does not judge it
}

const (
	nameWidth  = 43
	cellWidth  = 11
	ratioWidth = 15
	barWidth   = 16
)

// head prints where this runs, and the names of the columns.
func (r *report) head() {
	fmt.Fprintf(r.w, "%s %s/%s, %d CPUs\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	r.print("", each(contenders(), func(c contender) string { return c.name }), "ratio", "bar", "")
}

// add prints a row.
func (r *report) add(x row) {
	verdict := ""
	switch {
	case x.bar == "":
	case x.timed && r.quick:
		verdict = "not judged"
	case x.ok:
		verdict = "ok"
		r.judged++
	default:
		verdict = "SHORT"
		r.judged++
		r.short++
	}
	r.print(x.name, x.cells, x.ratio, x.bar, verdict)
}

func (r *report) print(name string, cells []string, ratio, bar, verdict string) {
	r.progress("")
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s", nameWidth, name)
	for i := range contenders() {
		cell := "-"
		if i < len(cells) {
			cell = cells[i]
		}
		fmt.Fprintf(&b, "%*s", cellWidth, cell)
	}
	fmt.Fprintf(&b, "%*s  %-*s%s", ratioWidth, ratio, barWidth, bar, verdict)
	fmt.Fprintln(r.w, strings.TrimRight(b.String(), " "))
}

// each returns the cells of a row, made of xs by format.
func each[T any](xs []T, format func(T) string) []string {
	var cells []string
	for _, x := range xs {
		cells = append(cells, format(x))
	}
	return cells
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f", float64(d)/float64(time.Millisecond))
}

// progress shows on a terminal what is being done; "" wipes it away.
func (r *report) progress(doing string) {
	if r.status != nil {
		fmt.Fprintf(r.status, "\r\x1b[K%s", doing)
	}
}

// pick returns full, or brief in a quick run.
func pick[T any](r *report, full, brief T) T {
	if r.quick {
		return brief
	}
	return full
}

// terminal returns f if it is one.
func terminal(f *os.File) io.Writer {
	if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		return f
	}
	return nil
}
