package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
)

// ordersPage shows what the API has for the user, with an access token of the
// session's own pair. Source exchanges the refresh token when it is time to, once
// for all tabs and replicas.
func (s *service) ordersPage(w http.ResponseWriter, r *http.Request, current *session.Session[user]) {
	client := &http.Client{Transport: &token.Transport{Source: s.sessions.Source(current)}, Timeout: 30 * time.Second}
	answer, err := s.askOrders(r, client)
	if errors.Is(err, token.ErrRefused) { // the login upstream is over, and so is this one
		if err := s.sessions.End(w, r); err != nil {
			s.unavailable(w, r, "logout", err)
			return
		}
		s.sessions.Deny(w, r, err)
		return
	}
	if err != nil {
		s.unavailable(w, r, "orders", err)
		return
	}
	s.showOrders(w, r, answer)
}

func (s *service) askOrders(r *http.Request, client *http.Client) (answer ordersAnswer, err error) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, s.upstream.url+"/orders", nil)
	if err != nil {
		return answer, err
	}
	response, err := client.Do(request)
	if err != nil {
		return answer, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return answer, fmt.Errorf("the API answers %d", response.StatusCode)
	}
	return answer, json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&answer)
}
