package session_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
)

// prints has v printed in every way that a program may come to print it.
func prints(t *testing.T, v any) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T %[1]v"} {
		all[verb] = fmt.Sprintf(verb, v)
	}
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "s", v)
	all["slog text"] = b.String()
	b.Reset()
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "s", v)
	all["slog JSON"] = b.String()
	text, err := json.Marshal(v)
	all["JSON"] = fmt.Sprint(string(text), err)
	text, err = xml.Marshal(v)
	all["XML"] = fmt.Sprint(string(text), err)
	return all
}

func TestSessionPrints(t *testing.T) {
	t.Parallel()
	type secrets struct {
		Password string
		Pair     *token.Record
		More     map[string]string
	}
	type holder struct {
		S session.Session[secrets]
		P *session.Session[secrets]
	}
	record := token.New(token.NewSecret(hush)).Record()
	m := &session.Manager[secrets]{Keys: keysOf("a")}
	s, err := m.Load(begun(t, m, "mira", secrets{hush, &record, map[string]string{hush: hush}}).request())
	if err != nil {
		t.Fatal(err)
	}
	if s.Data.Password != hush {
		t.Fatal("the secret is not there to be printed")
	}
	for name, v := range map[string]any{
		"pointer": s, "value": *s, "in structs": holder{*s, s}, "in a pointer": &holder{*s, s},
		"in a list": []any{s, *s}, "in a map": map[string]any{"s": s}, "in an error": fmt.Errorf("of %v, %+v, %#v", s, *s, s),
	} {
		for way, got := range prints(t, v) {
			if strings.Contains(got, hush) || strings.Contains(got, "Password") && way != "%#v" {
				t.Errorf("%s, %s: %s", name, way, got)
			}
			if (name == "pointer" || name == "value") && way != "XML" && (!strings.Contains(got, s.ID) || !strings.Contains(got, "mira")) {
				t.Errorf("%s, %s: %s: not whose session it is", name, way, got)
			}
		}
	}
	if got, want := fmt.Sprint(s), fmt.Sprintf("session %s of \"mira\"", s.ID); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := prints(t, s)["slog JSON"], `"s":{"id":"`+s.ID+`","subject":"mira"}`; !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	if text, err := json.Marshal(s); err != nil || json.Unmarshal(text, new(session.Session[secrets])) == nil {
		t.Errorf("%s, %v: a session that was printed can be read again", text, err)
	}
	prints(t, (*session.Session[secrets])(nil))
}

func TestManagerPrints(t *testing.T) {
	t.Parallel()
	m := &session.Manager[member]{Keys: keysOf("a")}
	begun(t, m, "mira", member{})
	for way, got := range prints(t, m) {
		// Of a key in hexadecimal, more than the fraction of a second in a log could be.
		if strings.Contains(got, strings.Repeat("a", 32)) || strings.Contains(got, "97, 97") || strings.Contains(got, strings.Repeat("61", 8)) {
			t.Errorf("%s: %s", way, got)
		}
	}
	if got := fmt.Sprint(m); got != `session.Manager "__Host-session"` {
		t.Error(got)
	}
}

func TestEventPrints(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		event      session.Event
		text, json string
	}{
		{session.Event{Kind: session.Started, ID: "A", Subject: "mira"}, `started A of "mira"`, `{"kind":"started","id":"A","subject":"mira"}`},
		{session.Event{Kind: session.EndedAll, Subject: "a\nb"}, `ended all of "a\nb"`, `{"kind":"ended all","subject":"a\nb"}`},
		{session.Event{Kind: session.Large, ID: "A", Subject: "mira", Bytes: 9000}, `large A of "mira", 9000 bytes`, `{"kind":"large","id":"A","subject":"mira","bytes":9000}`},
		{session.Event{Kind: session.Refused, Err: errors.New("why")}, `refused: why`, `{"kind":"refused","error":"why"}`},
		{session.Event{}, "Kind(0)", `{"kind":"Kind(0)"}`},
	} {
		if got := test.event.String(); got != test.text {
			t.Errorf("%s, want %s", got, test.text)
		}
		var b bytes.Buffer
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "e", test.event)
		if !strings.Contains(b.String(), `"e":`+test.json) {
			t.Errorf("%s, want %s", b.String(), test.json)
		}
	}
}

// Every kind has a name of its own.
func TestKinds(t *testing.T) {
	t.Parallel()
	names := make(map[string]bool)
	for k := session.Started; k <= session.KeysAway; k++ {
		if name := k.String(); names[name] || name == "" || strings.HasPrefix(name, "Kind") {
			t.Errorf("%d: %q", int(k), name)
		}
		names[k.String()] = true
	}
	for _, k := range []session.Kind{-1, 0, session.KeysAway + 1} {
		if got, want := k.String(), fmt.Sprintf("Kind(%d)", int(k)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
