package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// clientCredentials is a [token.Source] that has an OAuth 2.0 issuer give a new
// token on each call (RFC 6749 section 4.4). It keeps none: refresh.New does.
type clientCredentials struct {
	URL    string // the issuer's token endpoint
	ID     string
	Secret token.Secret
	Client *http.Client
}

// maxAnswer is far more than an answer with a token has.
const maxAnswer = 1 << 20

// Token implements [token.Source].
func (s *clientCredentials) Token(ctx context.Context) (token.Token, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return token.Token{}, fmt.Errorf("issuer: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(s.ID), url.QueryEscape(s.Secret.Reveal())) // escaped: RFC 6749 section 2.3.1
	resp, err := s.Client.Do(req)
	if err != nil {
		return token.Token{}, fmt.Errorf("issuer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return token.Token{}, &refusal{resp.StatusCode, token.RetryAfterHeader(resp.Header)}
	}

	var answer struct {
		AccessToken token.Secret `json:"access_token"`
		TokenType   string       `json:"token_type"`
		ExpiresIn   int64        `json:"expires_in"`
		RefreshIn   int64        `json:"refresh_in"` // not in the RFC; some issuers say it
	}
	// The errors of json and of the body are left out, for they may quote it.
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil || json.Unmarshal(body, &answer) != nil || answer.AccessToken.IsZero() {
		return token.Token{}, errors.New("issuer: its answer is not one of RFC 6749 section 5.1 with an access_token: is this its token endpoint?")
	}
	return token.Token{
		Value:     answer.AccessToken,
		Type:      answer.TokenType,
		ExpiresIn: seconds(answer.ExpiresIn), // says it all: no clock is compared with another
		RefreshIn: seconds(answer.RefreshIn),
	}, nil
}

// A refusal is an answer of the issuer that is not 200.
type refusal struct {
	status int
	later  time.Duration
}

func (e *refusal) Error() string {
	s := fmt.Sprintf("issuer: answered %d", e.status)
	if e.Is(token.ErrRefused) {
		s += ": are the client's ID and Secret right?"
	}
	return s
}

// Is reports whether the client's own credentials were refused, which trying
// again does not change.
func (e *refusal) Is(target error) bool {
	return target == token.ErrRefused && e.status == http.StatusUnauthorized
}

// RetryAfter makes refresh.Source wait for that long.
func (e *refusal) RetryAfter() time.Duration { return e.later }

// seconds returns n seconds, or as many as there are in a century: more may not
// fit a Duration.
func seconds(n int64) time.Duration {
	const most = 100 * 365 * 24 * 60 * 60
	return time.Duration(max(-most, min(n, most))) * time.Second
}
