package jwttest

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/go-jose/go-jose/v4"
)

// Down has the Issuer answer all requests with status, such as 503, until
// [Issuer.Up]. With 0 it answers nothing and breaks each connection off.
func (i *Issuer) Down(status int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = func(w http.ResponseWriter) {
		if status == 0 {
			panic(http.ErrAbortHandler)
		}
		http.Error(w, "down", status)
	}
}

// Up ends what Down began.
func (i *Issuer) Up() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = nil
}

// Requests returns how often the Issuer has been asked for its discovery
// document and for its keys, whether it answered or not.
func (i *Issuer) Requests() (discovery, keys int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.discovery, i.keys
}

const (
	discoveryPath = "/.well-known/openid-configuration"
	keysPath      = "/keys"
)

// serve answers a request.
func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", i.now().UTC().Format(http.TimeFormat))
	var base string
	if u, err := url.Parse(i.URL); err == nil {
		base = u.Path
	}
	var document func() (any, error)
	switch r.URL.Path {
	case base + discoveryPath:
		i.count(&i.discovery)
		document = i.configuration
	case base + keysPath:
		i.count(&i.keys)
		document = i.keySet
	default:
		http.NotFound(w, r)
		return
	}
	i.mu.Lock()
	down := i.down
	i.mu.Unlock()
	if down != nil {
		down(w)
		return
	}
	doc, err := document()
	if err != nil {
		i.tb.Error(err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(doc)
}

// count adds one to a number of requests.
func (i *Issuer) count(n *int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	*n++
}

// configuration returns the members that OpenID Connect Discovery 1.0, section
// 3, requires and that are known here.
func (i *Issuer) configuration() (any, error) {
	kept, err := i.all()
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"issuer":                                i.URL,
		"jwks_uri":                              i.URL + keysPath,
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{kept[len(kept)-1].Algorithm},
	}, nil
}

// keySet returns the public keys.
func (i *Issuer) keySet() (any, error) {
	kept, err := i.all()
	if err != nil {
		return nil, err
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range kept {
		if k.Public != nil {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Public, KeyID: k.ID, Algorithm: k.Algorithm, Use: k.Use})
		}
	}
	return set, nil
}
