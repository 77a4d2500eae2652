package jwt_test

import (
	"crypto"
	"encoding/base64"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// All that is not the one spelling of a token. golang-jwt, go-jose and jwx each
// accept some of these: a list of revoked texts does not know them.
func TestAttackSpellings(t *testing.T) {
	t.Parallel()
	f := forge()
	for alg, key := range map[string]jwt.Key{
		"HS256": f.hsKey(),
		"RS256": {Public: &f.rsa.PublicKey},
		"ES256": {Public: &f.p256.PublicKey},
		"EdDSA": {Public: f.ed.Public()},
	} {
		sign := map[string]signer{
			"HS256": f.hs256(), "RS256": f.pkcs1(crypto.SHA256, f.rsa), "ES256": f.ecdsa(crypto.SHA256, f.p256), "EdDSA": f.eddsa(f.ed),
		}[alg]
		p := f.policy(key)

		// Of all lengths modulo three, so that each segment has stray bits in
		// one of them and none in another; and with letters of which the
		// standard alphabet has others.
		for pad := range 3 {
			var text string
			for i := 0; !strings.ContainsAny(text, "-") || !strings.ContainsAny(text, "_"); i++ {
				text = f.token(`{"alg":"`+alg+`","x":"`+strings.Repeat("x", pad+3*i)+`"}`,
					strings.Replace(goodClaims, "correct", "c\u00fe\u00ff?>"+strings.Repeat("o", pad), 1), sign)
			}
			t.Run(alg, func(t *testing.T) {
				f.accepts(t, p, text)
				for _, other := range spellings(text) {
					f.refuses(t, p, other, token.ErrMalformed)
				}
				for _, other := range rests(text) {
					f.refuses(t, p, other, token.ErrMalformed, token.ErrSignature)
				}
			})
		}
	}
}

// spellings returns texts that lenient readers take for text.
func spellings(text string) []string {
	var all []string
	parts := strings.Split(text, ".")
	for _, space := range []string{"\n", "\r", "\r\n", " ", "\t", "\v", "\f", "\x00", "\u00a0", "\u200b", "\ufeff", "=", "==", "%", "&", ";", "\\n", `"`} {
		all = append(all, text+space, space+text, strings.Replace(text, ".", space+".", 1), strings.Replace(text, ".", "."+space, 1))
		for i := range parts {
			middle := len(parts[i]) / 2
			changed := strings.Join(parts[:i], ".")
			if i > 0 {
				changed += "."
			}
			changed += parts[i][:middle] + space + parts[i][middle:] // inside a segment
			if i < 2 {
				changed += "." + strings.Join(parts[i+1:], ".")
			}
			all = append(all, changed)
		}
	}
	for i, part := range parts {
		with := func(segment string) string {
			other := []string{parts[0], parts[1], parts[2]}
			other[i] = segment
			return strings.Join(other, ".")
		}
		// Padded, rightly and wrongly.
		all = append(all, with(part+strings.Repeat("=", (4-len(part)%4)%4+4)), with(part+"="))
		if n := len(part) % 4; n > 1 {
			all = append(all, with(part+strings.Repeat("=", 4-n)))
			// Other bits beyond the last byte: 16 or 4 spellings of it.
			const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
			raw, _ := base64.RawURLEncoding.DecodeString(part)
			for _, last := range letters {
				other := part[:len(part)-1] + string(last)
				if again, err := base64.RawURLEncoding.DecodeString(other); err == nil && other != part && string(again) == string(raw) {
					all = append(all, with(other))
				}
			}
		}
		// The standard alphabet.
		if standard := strings.NewReplacer("-", "+", "_", "/").Replace(part); standard != part {
			all = append(all, with(standard))
		}
	}
	return all
}

// rests returns texts with text in them, or some of it.
func rests(text string) []string {
	parts := strings.Split(text, ".")
	return []string{
		text + "A", text + "AA", text + "AAA", "A" + text, "AAAA" + text,
		strings.Replace(text, ".", "A.", 1), strings.Replace(text, ".", "AAAA.", 1), text[:len(text)-1], text[:len(text)-4], text[1:], text[4:],
		"Bearer " + text, "bearer " + text, "Token " + text, "Authorization: Bearer " + text, `"` + text + `"`, "'" + text + "'", "<" + text + ">", "[" + text + "]",
		strings.ReplaceAll(text, ".", ".."), strings.ReplaceAll(text, ".", "%2e"), strings.ReplaceAll(text, ".", "\uff0e"), strings.ReplaceAll(text, ".", ":"),
		text + ".", "." + text, text + "..", text + "." + parts[2], text + text, text + "," + text, text + "~", text + "~disclosure~", text + "#", text + "?x=y",
		strings.ToUpper(parts[0]) + "." + parts[1] + "." + parts[2],
		parts[0] + "." + parts[1], parts[0], parts[0] + "..", ".." + parts[2], ".", "..", "...", "....", "", " ",
		parts[0] + ".." + parts[2], "." + parts[1] + "." + parts[2], parts[1] + "." + parts[0] + "." + parts[2],
	}
}

// Of all texts that differ from a token in one byte, that have one more or one
// less, none is accepted. So there is no other spelling next to it.
func TestAttackNeighbours(t *testing.T) {
	t.Parallel()
	f := forge()
	p := &jwt.Policy{Keys: jwt.Keys{f.hsKey()}, AnyIssuer: true, AnyAudience: true, Now: func() time.Time { return forgeNow }}
	text := f.token(`{"alg":"HS256"}`, `{"exp":1800000600}`, f.hs256())
	if _, err := p.Verify(t.Context(), token.NewSecret(text)); err != nil {
		t.Fatal(err)
	}
	try := func(other string) {
		if other == text {
			return
		}
		if _, err := p.Verify(t.Context(), token.NewSecret(other)); err == nil {
			t.Errorf("accepted: %q", other)
		}
	}
	step := 1
	if testing.Short() {
		step = 7
	}
	for i := 0; i <= len(text); i += step {
		for c := range 256 {
			try(text[:i] + string([]byte{byte(c)}) + text[i:])
			if i < len(text) {
				try(text[:i] + string([]byte{byte(c)}) + text[i+1:])
			}
		}
		if i < len(text) {
			try(text[:i] + text[i+1:])
		}
	}
}

// The forms of RFC 7515 and RFC 7516 that are no compact JWS, with a good
// signature in them.
func TestAttackForms(t *testing.T) {
	t.Parallel()
	f := forge()
	p := f.policy(f.hsKey())
	text := f.token(`{"alg":"HS256"}`, goodClaims, f.hs256())
	parts := strings.Split(text, ".")
	header, payload, sig := parts[0], parts[1], parts[2]
	for formName, form := range map[string]string{
		"flattened JSON":                    `{"payload":"` + payload + `","protected":"` + header + `","signature":"` + sig + `"}`,
		"general JSON":                      `{"payload":"` + payload + `","signatures":[{"protected":"` + header + `","signature":"` + sig + `"}]}`,
		"general JSON, two signatures":      `{"payload":"` + payload + `","signatures":[{"protected":"e30","signature":""},{"protected":"` + header + `","signature":"` + sig + `"}]}`,
		"general and flattened":             `{"payload":"` + payload + `","protected":"` + header + `","signature":"` + sig + `","signatures":[]}`,
		"an array":                          `["` + header + `","` + payload + `","` + sig + `"]`,
		"a compact one in a JSON string":    `"` + text + `"`,
		"a compact one in a JSON member":    `{"token":"` + text + `"}`,
		"a compact one in an array":         `["` + text + `"]`,
		"JSON that has a compact one in it": `{".":"` + text + `.` + text + `"}`,
		"JSON between dots":                 header + "." + `{"payload":"` + payload + `"}` + "." + sig,
		"a polyglot: JSON, then the token":  `{"payload":"` + payload + `"}` + text,
		"flattened JWE":                     `{"protected":"` + header + `","iv":"AA","ciphertext":"AA","tag":"AA"}`,
		"unencoded payload":                 header + "." + goodClaims + "." + sig,
		"unencoded header":                  `{"alg":"HS256"}.` + payload + "." + sig,
		"detached payload":                  header + ".." + sig,
		"JWE, five segments":                header + "." + payload + "." + sig + "." + sig + "." + sig,
		"JWE of dir":                        f.encode(`{"alg":"dir","enc":"A256GCM"}`) + ".." + f.encode(strings.Repeat("i", 12)) + "." + payload + "." + f.encode(strings.Repeat("t", 16)),
		"JWE with the segments of a JWS":    f.encode(`{"alg":"dir","enc":"A256GCM"}`) + "." + payload + "." + sig,
		"JWE with zip":                      f.encode(`{"alg":"dir","enc":"A256GCM","zip":"DEF"}`) + ".." + f.encode(strings.Repeat("i", 12)) + "." + payload + "." + f.encode(strings.Repeat("t", 16)),
		"JWE with two billion rounds":       f.encode(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647,"p2s":"AAAAAAAAAAAAAAAA"}`) + "." + payload + ".AAAA.AAAA.AAAA",
		"JWS header on five segments":       header + ".." + payload + "." + payload + "." + sig,
		"four segments":                     text + "." + sig,
		"six segments":                      header + "." + payload + "." + sig + "." + sig + "." + sig + "." + sig,
		"PASETO":                            "v4.public." + payload,
		"SAML":                              "<saml:Assertion>" + text + "</saml:Assertion>",
		"XML entity":                        `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>`,
		"NUL bytes":                         strings.Repeat("\x00", 300),
		"not UTF-8":                         "\xff\xfe\xfd." + payload + "." + sig,
	} {
		t.Run(formName, func(t *testing.T) {
			f.refuses(t, p, form, token.ErrMalformed, token.ErrSignature)
		})
	}
}

// Texts that are long, or that fall into many parts, cost as much as it takes
// to see that: next to nothing.
func TestAttackSize(t *testing.T) { // alone: it measures
	f := forge()
	p := f.policy(f.hsKey())
	good := f.token(`{"alg":"HS256"}`, goodClaims, f.hs256())
	head := good[:strings.IndexByte(good, '.')]
	big := `{"exp":1800000600,"x":"` + strings.Repeat("x", 7<<20) + `"}`
	for _, c := range []struct {
		name, text string
		alloc      uint64 // bytes at most
	}{
		{"ten megabytes of claims", f.token(`{"alg":"HS256"}`, big, f.hs256()), 16 << 10},
		{"ten megabytes of dots", strings.Repeat(".", 10<<20), 16 << 10},
		{"ten megabytes without dots", strings.Repeat("A", 10<<20), 16 << 10},
		{"ten megabytes of spaces", strings.Repeat(" ", 10<<20), 16 << 10},
		{"ten megabytes of JSON", `{"payload":"` + strings.Repeat("A", 10<<20) + `"}`, 16 << 10},
		{"a million dots", strings.Repeat(".", 1_000_000), 16 << 10},
		{"a million dots behind a header", head + strings.Repeat(".", 1_000_000), 16 << 10},
		{"half a million segments", head + strings.Repeat(".A", 500_000), 16 << 10},
		{"a million dots behind a token", good + strings.Repeat(".", 1_000_000), 16 << 10},
		{"a megabyte of brackets", f.token(`{"alg":"HS256"}`, strings.Repeat("[", 700_000), f.hs256()), 8 << 20},
		{"a megabyte of members", f.token(`{"alg":"HS256"}`, `{`+strings.Repeat(`"":0,`, 140_000)+`"":0}`, f.hs256()), 8 << 20},
		{"a megabyte of header", f.token(`{"alg":"HS256","x":"`+strings.Repeat("x", 700_000)+`"}`, goodClaims, f.always(1)), 8 << 20},
		{"a megabyte of signature", good[:strings.LastIndexByte(good, '.')+1] + strings.Repeat("A", 1_000_000), 8 << 20},
		{"a megabyte of key ID", f.token(`{"alg":"HS256","kid":"`+strings.Repeat("\\u0041", 120_000)+`"}`, goodClaims, f.always(1)), 8 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			secret := token.NewSecret(c.text)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := p.Verify(t.Context(), secret)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Error("accepted")
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > c.alloc {
				t.Errorf("%d bytes allocated for %d, want at most %d", n, len(c.text), c.alloc)
			}
			if took > 20*time.Second { // so many, as the machine may be busy; it takes milliseconds
				t.Errorf("took %v", took)
			}
			f.refuses(t, p, c.text, token.ErrMalformed, token.ErrSignature)
			t.Logf("%d bytes: %v, %d bytes allocated", len(c.text), took, after.TotalAlloc-before.TotalAlloc)
		})
	}
}
