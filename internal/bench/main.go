// Bench measures package refresh beside the token caches and refresh-token
// issuers of other libraries, package skew by itself, what reads and verifies
// tokens beside other JOSE libraries, package session beside other sealed
// cookies, and package kube beside what it is made of and client-go, and holds
// them to a bar each.
//
// It prints a line per figure: ours, that of each peer, their ratio where the
// bar is one, the bar, and "ok" or "SHORT"; a line without a bar is for the
// record. It exits with 1 if anything falls short. All run in one process, in
// turns, and only ratios and counts are judged, so that a busy machine says
// little worse than an idle one.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"time"

	"k8s.io/klog/v2"
)

// A measure fills some lines of the result.
type measure struct {
	name, about string
	run         func(*report) error
}

// A group is measures beside the same peers.
type group struct {
	about    string
	peers    []peer
	measures []measure
}

// A peer is what others offer for the same purpose.
type peer struct{ name, what string }

var groups = []group{
	{
		about: "token caches",
		peers: each(peers, func(c contender) peer { return peer{c.name, c.what} }),
		measures: []measure{
			{"hotpath", "time and allocations of asking for a fresh token", hotPath},
			{"early", "1000 callers while a good token is replaced, which takes 200 ms", earlyRefresh},
			{"expiry", "callers who find the token expired, are impatient, or give up", hardExpiry},
			{"outage", "100 callers when the token has expired and the upstream is down", outage},
			{"short", "tokens that live less than any margin, or are handed back expired", shortLives},
			{"panic", "an upstream that panics", panicking},
			{"memory", "what a source that holds a token weighs", memory},
			{"clock", "how well an issuer's clock is known after a few responses", clockError},
		},
	},
	{
		about: "JOSE libraries",
		peers: each(otherLibraries, func(l library) peer { return peer{l.name, l.what} }),
		measures: []measure{
			{"inspect", "reading when a JWT expires, without verifying it", inspecting},
			{"jwt", "verifying a JWT, and what that costs beside its signature", verifying},
			{"cache", "verifying the same JWT again", verifyingAgain},
			{"jwe", "opening a JWE under a shared key", opening},
			{"flood", "10 000 made-up key IDs while the keys are rotated", flooding},
		},
	},
	{
		about: "refresh-token issuers",
		peers: []peer{{"fosite", "github.com/ory/fosite, refresh_token grant of a public client, HMAC strategy, MemoryStore"}},
		measures: []measure{
			{"rotation", "one rotation at the issuer, in memory", rotating},
			{"rows", "what the issuer keeps of a family, however often it is rotated", keeping},
			{"calls", "how often a rotation and a forged refresh token go to the Store", calling},
			{"postgres", "64 goroutines rotating 64 families on PostgreSQL, beside bare SQL", onPostgres},
		},
	},
	{
		about: "session cookies",
		peers: sessionPeers,
		measures: []measure{
			{"load", "finding the session that a request carries", loadingSessions},
			{"save", "sealing a session and setting its cookie", savingSessions},
			{"slide", "how often a cookie is set while its session is used", slidingSessions},
		},
	},
	{
		about: "service account tokens",
		peers: kubePeers,
		measures: []measure{
			{"many", "asking for the fresh token of one of 1000 service accounts", keepingMany},
			{"both", "verifying a token whose approval by the API server is remembered", verifyingBoth},
		},
	},
}

func main() {
	quick := flag.Bool("quick", false, "run everything briefly, to see that it works; judge nothing that depends on time")
	only := flag.String("run", "", "run only the measures whose name matches this `regexp`")
	flag.Usage = usage
	flag.Parse()
	match, err := regexp.Compile(*only)
	if err == nil && flag.NArg() > 0 {
		err = fmt.Errorf("%q is no flag: -h explains", flag.Arg(0))
	}
	if err == nil && !slices.ContainsFunc(groups, func(g group) bool { return len(g.chosen(match)) > 0 }) {
		err = fmt.Errorf("no measure has a name that matches %q: -h lists them", *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	r := &report{w: os.Stdout, status: terminal(os.Stderr), quick: *quick}
	if err := run(r, match); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func usage() {
	w := flag.CommandLine.Output()
	fmt.Fprint(w, `Bench measures tokenlife beside other token caches, JOSE libraries, issuers of
refresh tokens, session cookies and client-go. It takes about four minutes and exits with 1
if a figure falls short of its bar.

	go run . [-quick] [-run regexp]

`)
	flag.PrintDefaults()
	for _, g := range groups {
		fmt.Fprintf(w, "\nMeasures of %s:\n", g.about)
		for _, m := range g.measures {
			fmt.Fprintf(w, "  %-12s %s\n", m.name, m.about)
		}
		fmt.Fprintln(w, "beside")
		for _, p := range g.peers {
			fmt.Fprintf(w, "  %-12s %s\n", p.name, p.what)
		}
	}
}

// run runs the measures whose names match and returns an error if one broke or
// fell short.
func run(r *report, match *regexp.Regexp) error {
	// client-go reports every failed refresh to it.
	klog.SetSlogLogger(slog.New(slog.DiscardHandler))

	began := time.Now()
	r.where()
	for _, g := range groups {
		for i, m := range g.chosen(match) {
			if i == 0 {
				r.head(append([]string{"ours"}, each(g.peers, func(p peer) string { return p.name })...))
			}
			r.progress(m.about)
			if err := m.run(r); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
		}
	}
	r.progress("")
	fmt.Fprintf(r.w, "%d judged, %d SHORT, in %v\n", r.judged, r.short, time.Since(began).Round(time.Second))
	if r.short > 0 {
		return fmt.Errorf("%d of %d bars missed", r.short, r.judged)
	}
	return nil
}

// chosen returns the measures whose names match.
func (g group) chosen(match *regexp.Regexp) []measure {
	return slices.DeleteFunc(slices.Clone(g.measures), func(m measure) bool { return !match.MatchString(m.name) })
}
