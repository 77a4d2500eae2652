package skew_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/tokenlife/tokenlife/skew"
)

// A holder learns from the issuer's answers how far off the issuer's clock is,
// and judges its tokens by that.
func ExampleClock() {
	// An issuer whose clock is ten minutes fast.
	issuer := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(10*time.Minute).UTC().Format(http.TimeFormat))
	}))
	defer issuer.Close()

	clock := &skew.Clock{Origin: issuer.URL}
	client := issuer.Client()
	client.Transport = clock.Transport(client.Transport)
	resp, err := client.Get(issuer.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()

	// A token that this machine would think good for five minutes yet.
	token := skew.Window{Until: time.Now().Add(5 * time.Minute)}
	earliest, latest := clock.Bounds()
	fmt.Println("offset:", clock.Estimate().Offset.Round(time.Minute))
	fmt.Println("still good by the local clock:", token.Contains(time.Now()))
	fmt.Println("still good by the issuer's:", token.Contains(earliest) && token.Contains(latest))
	// Output:
	// offset: 10m0s
	// still good by the local clock: true
	// still good by the issuer's: false
}

// Readings need not come from HTTP. Here a token that may have waited in a
// cache proves that its issuer's clock has passed its iat claim.
func ExampleClock_Observe() {
	issuedAt := time.Now().Add(90 * time.Second)

	var clock skew.Clock
	clock.Observe(skew.Observation{Received: time.Now(), Remote: issuedAt, AtLeast: true})
	fmt.Println("the issuer is ahead by at least", clock.Estimate().Offset.Round(time.Second))
	// Output:
	// the issuer is ahead by at least 1m30s
}

func ExampleWindow() {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	w := skew.Window{From: noon, Until: noon.Add(time.Hour)}
	leeway := skew.Leeway(0)

	for _, t := range []time.Time{noon.Add(-10 * time.Second), noon.Add(10 * time.Second), noon.Add(time.Minute)} {
		fmt.Printf("%s: in it %t, to a verifier %t, to a holder %t\n", t.Format(time.TimeOnly),
			w.Contains(t), w.Widen(leeway).Contains(t), w.Narrow(leeway).Contains(t))
	}
	// Output:
	// 11:59:50: in it false, to a verifier true, to a holder false
	// 12:00:10: in it true, to a verifier true, to a holder false
	// 12:01:00: in it true, to a verifier true, to a holder true
}

func ExampleLeeway() {
	fmt.Println(skew.Leeway(0), skew.Leeway(time.Minute), skew.Leeway(-1))
	// Output: 30s 1m0s 0s
}
