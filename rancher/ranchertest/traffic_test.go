package ranchertest

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// What is in flight is forgotten when it has been answered, also by a panic.
func TestTrafficForgets(t *testing.T) {
	t.Parallel()
	var s traffic
	for path, fault := range map[string]Fault{"/a": nil, "/b": Drop} {
		s.setFault(fault)
		func() {
			defer func() { recover() }()
			s.serve(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil), http.NotFoundHandler())
		}()
		if got := s.atOnce("GET " + path); len(s.busy) != 0 || got != 1 {
			t.Errorf("%s: %v in flight, %d at once", path, s.busy, got)
		}
	}
}
