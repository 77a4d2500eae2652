package token_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/binary"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	htmltemplate "html/template"
	"io"
	"log"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// canary is a secret that must be seen nowhere. It is in no encoding of
// anything else, and encoders leave it as it is.
const canary = "xyzzy4711plugh"

// canaryForms are canary as a printer could have written it, in lower case and
// with nothing between its bytes.
var canaryForms = []string{
	canary,
	fmt.Sprintf("%x", canary),
	fmt.Sprintf("%x", strings.ToUpper(canary)),
	strings.Trim(strings.ReplaceAll(fmt.Sprint([]byte(canary)), " ", ""), "[]"), // decimal
	strings.ToLower(b64(canary))[:16],
}

var betweenBytes = strings.NewReplacer(" ", "", ",", "", "0x", "")

// leaks reports whether canary is in out, plain or encoded.
func leaks(out string) bool {
	out = strings.ToLower(out)
	for _, text := range []string{out, betweenBytes.Replace(out)} {
		for _, form := range canaryForms {
			if strings.Contains(text, form) {
				return true
			}
		}
	}
	return false
}

// An inner struct and what hides secrets where printers call no methods.
type (
	inner struct {
		token  token.Token
		secret token.Secret
		ptr    *token.Secret
	}
	outer struct {
		hidden inner
		list   []token.Secret
		byName map[string]token.Secret
		any    any
		next   *outer
		record token.Record
		array  [2]token.Secret
		fn     func() token.Secret
		ch     chan token.Token
	}
	// Exported fields, as encoders need them.
	config struct {
		Password token.Secret             `xml:"password,attr"`
		Optional *token.Secret            `json:",omitempty"`
		Tokens   []token.Token            `xml:"token"`
		ByName   map[string]*token.Secret `xml:"-"`
		Any      any
	}
	embeds struct{ token.Secret }
	named  token.Token
)

// specimens returns everything that a secret is kept in.
func specimens() map[string]any {
	s := token.NewSecret(canary)
	tok := token.Token{Value: s, Type: "Bearer", Expiry: time.Unix(1795353318, 0), ExpiresIn: time.Hour}
	ps, pt := &s, &tok
	pps := &ps
	rec := tok.Record()
	ch := make(chan token.Token, 1)
	ch <- tok
	o := outer{
		hidden: inner{tok, s, ps},
		list:   []token.Secret{s},
		byName: map[string]token.Secret{"a": s},
		any:    s,
		next:   &outer{hidden: inner{secret: s}, any: ps},
		record: rec,
		array:  [2]token.Secret{s, s},
		fn:     func() token.Secret { return s },
		ch:     ch,
	}
	return map[string]any{
		"Secret":                 s,
		"*Secret":                ps,
		"**Secret":               pps,
		"Token":                  tok,
		"*Token":                 pt,
		"Record":                 rec,
		"*Record":                &rec,
		"Header()":               tok.Header(),
		"[]Secret":               []token.Secret{s, s},
		"[]*Secret":              []*token.Secret{ps},
		"[]Token":                []token.Token{tok},
		"[1]Secret":              [1]token.Secret{s},
		"map":                    map[string]token.Secret{"a": s},
		"map of pointers":        map[string]*token.Token{"a": pt},
		"[]any":                  []any{s, ps, tok, pt, rec, []any{s}},
		"unexported fields":      o,
		"*unexported fields":     &o,
		"exported fields":        config{s, ps, []token.Token{tok}, map[string]*token.Secret{"a": ps}, s},
		"anonymous":              struct{ s token.Secret }{s},
		"embedded":               embeds{s},
		"*embedded":              &embeds{s},
		"a type of its own":      named(tok),
		"error":                  fmt.Errorf("wrapped: %w %v", fmt.Errorf("%v %+v %#v %q", s, tok, rec, ps), o),
		"reflect.Value":          reflect.ValueOf(s),
		"reflect.Value, field":   reflect.ValueOf(o).Field(0),
		"Reveal, not called":     s.Reveal,
		"interface of the value": any(token.SourceFunc(nil)),
		"Static":                 token.Static(tok),
		"slog.Value":             slog.AnyValue(s),
		"slog.Attr":              slog.Any("a", tok),
	}
}

func TestSecretUnderEveryVerb(t *testing.T) {
	t.Parallel()
	var formats []string
	for verb := rune('A'); verb <= 'z'; verb++ {
		for flags := range 32 {
			format := "%"
			for i, flag := range []string{"+", "-", "#", " ", "0"} {
				if flags>>i&1 == 1 {
					format += flag
				}
			}
			formats = append(formats, format+string(verb))
		}
	}
	formats = append(formats, "%60.30v", "%-60s", "%.3s", "%+060.30x", "%!", "%é", "%[2]v", "%[1]*v", "%v %s")
	for name, v := range specimens() {
		for _, format := range formats {
			if out := fmt.Sprintf(format, v); leaks(out) {
				t.Errorf("%s with %s: %s", name, format, out)
			}
		}
		for _, out := range []string{fmt.Sprint(v), fmt.Sprintln(v), fmt.Sprint("a", v, v), fmt.Sprintf("%v", []any{v}), fmt.Sprintf("%#v", struct{ v any }{v})} {
			if leaks(out) {
				t.Errorf("%s: %s", name, out)
			}
		}
	}
}

// The tests in this file are worth nothing if leaks is blind.
func TestLeaksSees(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"%v", "%q", "%x", "%X", "% x", "%#x", "% #X", "%60s"} {
		if out := fmt.Sprintf(format, canary); !leaks(out) {
			t.Errorf("%s: %s is not seen", format, out)
		}
	}
	for _, format := range []string{"%v", "%d", "%#v", "%x", "%s"} {
		if out := fmt.Sprintf(format, []byte(canary)); !leaks(out) {
			t.Errorf("%s of bytes: %s is not seen", format, out)
		}
	}
	if !leaks(b64(canary)) {
		t.Error("base64 is not seen")
	}
}

func TestSecretPrintsAsRedacted(t *testing.T) {
	t.Parallel()
	s := token.NewSecret(canary)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%30s", "%t", "%c"} {
		if got := fmt.Sprintf(format, s); got != "[redacted]" {
			t.Errorf("%s prints %q", format, got)
		}
		if got := fmt.Sprintf(format, token.Secret{}); got != "" {
			t.Errorf("%s of the empty Secret prints %q", format, got)
		}
	}
	if got := fmt.Sprintf("%v", struct{ S token.Secret }{s}); got != "{[redacted]}" {
		t.Error(got)
	}
}

func TestSecretInLogs(t *testing.T) {
	t.Parallel()
	for name, v := range specimens() {
		// A Record in something else is JSON to the JSON handler: see Record.
		_, isRecord := v.(token.Record)
		_, isRecordPtr := v.(*token.Record)
		holdsRecord := name == "[]any"
		var b bytes.Buffer
		options := &slog.HandlerOptions{AddSource: true, Level: slog.LevelDebug}
		handlers := []slog.Handler{slog.NewTextHandler(&b, options)}
		if !holdsRecord {
			handlers = append(handlers, slog.NewJSONHandler(&b, options))
		}
		for _, h := range handlers {
			l := slog.New(h)
			l.Info("message", "value", v)
			l.Info("message", slog.Group("group", slog.Group("inner", "value", v)))
			l.With("value", v).WithGroup("group").With("value", v).Info("message")
			if !isRecord && !isRecordPtr {
				l.Info("message", "value", struct{ V any }{v}, "list", []any{v}, "map", map[string]any{"a": v})
			}
		}
		l := log.New(&b, "", 0)
		l.Print(v)
		l.Printf("%v %+v", v, v)
		l.Println("a", v)
		if leaks(b.String()) {
			t.Errorf("%s: %s", name, b.String())
		}
	}
}

// An encoder may refuse a secret, or redact it.
func TestSecretInEncoders(t *testing.T) {
	t.Parallel()
	encoders := map[string]func(w io.Writer, v any) error{
		"json":          func(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) },
		"json indented": func(w io.Writer, v any) error { b, err := json.MarshalIndent(v, "", " "); w.Write(b); return err },
		"xml":           func(w io.Writer, v any) error { return xml.NewEncoder(w).Encode(v) },
		"gob":           func(w io.Writer, v any) error { return gob.NewEncoder(w).Encode(v) },
		"asn1":          func(w io.Writer, v any) error { b, err := asn1.Marshal(v); w.Write(b); return err },
		"binary":        func(w io.Writer, v any) error { return binary.Write(w, binary.BigEndian, v) },
		"text/template": func(w io.Writer, v any) error {
			return template.Must(template.New("").Parse(`{{.}} {{print .}} {{printf "%v %q %x" . . .}} {{html .}} {{js .}} {{urlquery .}}`)).Execute(w, v)
		},
		"html/template": func(w io.Writer, v any) error {
			return htmltemplate.Must(htmltemplate.New("").Parse(`<a href="/?q={{.}}" title="{{.}}" style="{{.}}">{{.}}</a><script>f({{.}})</script>`)).Execute(w, v)
		},
	}
	for name, v := range specimens() {
		for encoder, encode := range encoders {
			// Its JSON is the one form in which a Record can be stored.
			if strings.Contains(name, "Record") || name == "[]any" {
				if encoder != "gob" && encoder != "asn1" && encoder != "binary" && encoder != "text/template" {
					continue
				}
			}
			var b bytes.Buffer
			err := func() (err error) {
				defer func() { // xml and gob may panic for kinds they do not know
					if p := recover(); p != nil {
						err = fmt.Errorf("panic: %v", p)
					}
				}()
				return encode(&b, v)
			}()
			if leaks(b.String()) || leaks(fmt.Sprintf("%v %+v %#v", err, err, err)) {
				t.Errorf("%s by %s: %s %v", name, encoder, b.String(), err)
			}
		}
	}

	got, err := json.Marshal(config{Password: token.NewSecret(canary)})
	if err != nil || string(got) != `{"Password":"[redacted]","Tokens":null,"ByName":null,"Any":null}` {
		t.Errorf("%s, %v", got, err)
	}
	if got, err := xml.Marshal(config{Password: token.NewSecret(canary)}); err != nil || string(got) != `<config password="[redacted]"></config>` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestSecretEqual(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"", "", true}, {"a", "a", true}, {"a", "b", false}, {"a", "", false}, {"", "a", false}, {"a", "aa", false}, {canary, canary, true},
	} {
		a, b := token.NewSecret(test.a), token.NewSecret(test.b)
		if a.Equal(b) != test.want || (token.Token{Value: a}).Equal(token.Token{Value: b, Type: "x"}) != test.want {
			t.Errorf("%q and %q are not equal: %v", test.a, test.b, test.want)
		}
		if a.Reveal() != test.a || a.IsZero() != (test.a == "") {
			t.Errorf("%q is kept as %q", test.a, a.Reveal())
		}
	}
}

func TestSecretFingerprint(t *testing.T) {
	t.Parallel()
	a, b := token.NewSecret(canary).Fingerprint(), token.NewSecret("another").Fingerprint()
	if len(a) != 12 || a == b || a != token.NewSecret(canary).Fingerprint() || leaks(a) {
		t.Errorf("%s, %s", a, b)
	}
	if got := (token.Secret{}).Fingerprint(); got != "" {
		t.Errorf("the empty Secret has the fingerprint %s", got)
	}
}

func TestSecretUnmarshal(t *testing.T) {
	t.Parallel()
	var c config
	if err := json.Unmarshal([]byte(`{"Password":"`+canary+`"}`), &c); err != nil || c.Password.Reveal() != canary {
		t.Errorf("%v, %v", c, err)
	}
	if err := xml.Unmarshal([]byte(`<config password="`+canary+`"></config>`), &c); err != nil || c.Password.Reveal() != canary {
		t.Errorf("%v, %v", c, err)
	}
	// What was redacted on the way out is not the secret.
	out, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	c = config{}
	err = json.Unmarshal(out, &c)
	if err == nil || !strings.Contains(err.Error(), "redacted when it was written") || !c.Password.IsZero() {
		t.Errorf("%v, %v", c, err)
	}
	// Without an error from the Secret nothing is repeated either.
	if err := json.Unmarshal([]byte(`{"Password":{"`+canary+`":1}}`), &c); err == nil || leaks(err.Error()) {
		t.Errorf("%v", err)
	}
}
