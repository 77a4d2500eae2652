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

	columns int // after the first, which has the name of the row

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

// where prints where this runs.
func (r *report) where() {
	fmt.Fprintf(r.w, "%s %s/%s, %d CPUs\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
}

// head prints the names of the columns of the rows that follow.
func (r *report) head(names []string) {
	r.columns = len(names)
	fmt.Fprintln(r.w)
	r.print("", names, "ratio", "bar", "")
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
	for i := range r.columns {
		cell := "-"
		if i < len(cells) {
			cell = cells[i]
		}
		fmt.Fprintf(&b, "%*s", cellWidth, cell)
	}
	fmt.Fprintf(&b, "%*s  %-*s%s", ratioWidth, ratio, barWidth, bar, verdict)
	fmt.Fprintln(r.w, strings.TrimRight(b.String(), " "))
}

// each returns what f makes of each of xs, such as the cells of a row.
func each[T, U any](xs []T, f func(T) U) []U {
	var us []U
	for _, x := range xs {
		us = append(us, f(x))
	}
	return us
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
