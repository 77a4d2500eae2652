package ranchertest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// A v2betaError is what an answer says instead of what was asked for. A code
// that is empty is the status in words, and a message that is empty is the code.
type v2betaError struct {
	status               int
	code, message, field string

	challenge bool // which a browser answers with a dialogue for a password
}

var v2betaPhrases = map[int]string{
	401: "Unauthorized",
	403: "Forbidden",
	404: "Not Found",
	405: "Method not allowed",
	422: "Unprocessable Entity",
	500: "Internal Server Error",
	503: "Service Unavailable",
}

// send answers with e.
func (e *v2betaError) send(c *v2betaCall) {
	code, message := e.code, e.message
	if code == "" {
		code = v2betaPhrases[e.status]
	}
	if message == "" {
		message = code
	}
	if e.challenge && c.r.Header.Get("X-Api-No-Challenge") != "true" && !strings.EqualFold(c.r.Header.Get("Connection"), "upgrade") {
		c.w.Header().Set("WWW-Authenticate", `Basic realm="Enter API access key and secret key as username and password"`)
	}
	field := ""
	if e.field != "" {
		field = `,"fieldName":` + quote(e.field)
	}
	c.send(e.status, fmt.Sprintf(
		`{"id":"%s","type":"error","links":{},"%s":{},"status":%d,"code":%s,"message":%s,"detail":null,"baseType":"error"%s}`,
		uuid(), c.actions(), e.status, quote(code), quote(message), field))
}

// send answers with a body of JSON.
func (c *v2betaCall) send(status int, body string) {
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		fmt.Fprint(c.w, body)
	}
}

// actions returns what the map of actions is called, as who asks wants it.
func (c *v2betaCall) actions() string {
	if c.r.Header.Get("X-Api-Action-Links") != "" {
		return "actionLinks"
	}
	return "actions"
}

// quote returns s as JSON.
func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string can be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// quoteOrNull is quote, but for the empty string.
func quoteOrNull(s string) string {
	if s == "" {
		return "null"
	}
	return quote(s)
}

func uuid() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
