package introspect_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// The other answers are in TestFailures.
func TestRevoked(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 204} {
		i := &issuer{handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) }}
		if err := i.revoker(t).Revoke(t.Context(), secret, "refresh_token"); err != nil {
			t.Errorf("%d: %v", status, err)
		}
		if hint := i.got()[0].form.Get("token_type_hint"); hint != "refresh_token" {
			t.Errorf("hint %q", hint)
		}
	}
	for _, status := range []int{201, 202, 206} {
		i := &issuer{handler: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) }}
		if err := i.revoker(t).Revoke(t.Context(), secret, ""); err == nil {
			t.Errorf("%d: no error", status)
		}
	}
}

func TestRevokeTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{handler: func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
		start := time.Now()
		err := i.revoker(t).Revoke(t.Context(), secret, "")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		checkError(t, err)
	})
}
