package ranchertest

import (
	"net/http"
	"slices"
	"sync"
)

// Traffic is what comes to a server: it knows what has come, and has a fault
// spoil it. The zero value has none.
type traffic struct {
	mu       sync.Mutex
	fault    Fault
	faulty   http.Handler // the server behind the fault
	requests []string
	busy     map[string]int // in flight now
	busiest  map[string]int // in flight at most
}

// serve has h answer, or the fault in its place. H must be the same each time.
func (t *traffic) serve(w http.ResponseWriter, r *http.Request, h http.Handler) {
	request := name(r)
	h = t.begin(request, h)
	defer t.end(request)
	h.ServeHTTP(w, r)
}

func (t *traffic) begin(request string, h http.Handler) http.Handler {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy == nil {
		t.busy, t.busiest = map[string]int{}, map[string]int{}
	}
	t.requests = append(t.requests, request)
	t.busy[request]++
	t.busiest[request] = max(t.busiest[request], t.busy[request])
	if t.fault == nil {
		return h
	}
	if t.faulty == nil {
		t.faulty = t.fault(h)
	}
	return t.faulty
}

func (t *traffic) end(request string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy[request]--; t.busy[request] == 0 {
		delete(t.busy, request)
	}
}

func (t *traffic) setFault(f Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fault, t.faulty = f, nil
}

func (t *traffic) all() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.requests)
}

func (t *traffic) atOnce(request string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.busiest[request]
}

// name returns what a request is called, such as "POST /v3/tokens", or "POST
// /v3/tokens?action=logout": of the query only the action is in it.
func name(r *http.Request) string {
	called := r.Method + " " + r.URL.Path
	if action := r.URL.Query().Get("action"); action != "" && r.Method == http.MethodPost {
		called += "?action=" + action
	}
	return called
}
