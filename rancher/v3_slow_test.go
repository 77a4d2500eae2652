package rancher

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// What is left is counted from the call, and not from an answer that took long.
func TestV3CreateSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := script(t, map[string]http.HandlerFunc{"POST /v3/tokens": func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(5 * time.Second)
			says(201, "true", `{"id":"token-7d9xk","token":"token-7d9xk:hunter2","ttl":3600000}`)(w, r)
		}})
		tok, made, err := withToken(c).Create(t.Context(), V3Request{Lifetime: time.Hour})
		if want := time.Hour - 5*time.Second - resolution; err != nil || tok.ExpiresIn != want || made.ExpiresIn != want {
			t.Errorf("%v, %v, %v, want %v", tok.ExpiresIn, made.ExpiresIn, err, want)
		}
	})
}
