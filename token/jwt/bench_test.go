package jwt_test

import (
	"encoding/base64"
	"strings"
	"testing"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/tokenlife/tokenlife/token"
)

// serviceAccount are the claims of a Kubernetes service account token, which
// policy accepts.
var serviceAccount = good.with(set{
	"aud": []string{audience, "https://kubernetes.default.svc.cluster.local"},
	"jti": "0b6b1d9c-5d3a-4a43-8a0c-5c7f4a1f3d55",
	"kubernetes.io": set{
		"namespace":      "t1",
		"node":           set{"name": "worker-3", "uid": "33b2d1f7-8a3c-4f2e-9d6b-0c1e5a7b9d02"},
		"pod":            set{"name": "app-6d4cf56db6-x7k2p", "uid": "5a0f2b7e-1c9d-4e8a-b3f6-7d2c4e6a8b01"},
		"serviceaccount": set{"name": "app", "uid": "9c1e3a5b-7d9f-4b2c-8e6a-0f1d3c5b7a90"},
		"warnafter":      1763820925,
	},
	"sub": "system:serviceaccount:t1:app",
})

// BenchmarkPolicy measures Verify beside the bare check of the signature, which
// is the floor under it, and golang-jwt.
func BenchmarkPolicy(b *testing.B) {
	for _, alg := range []string{"HS256", "RS256", "ES256", "EdDSA"} {
		s := makerOf(b, alg)
		text := s.sign(b, set{"alg": alg, "kid": "1", "typ": "JWT"}.json(b), serviceAccount.json(b))
		b.Run(alg+"/Policy", func(b *testing.B) {
			p := policy(s.named("1"))
			presented := token.NewSecret(text)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Verify(b.Context(), presented); err != nil {
					b.Fatal(err)
				}
			}
		})
		public := any(s.public.Public)
		if public == nil {
			public = s.key
		}
		b.Run(alg+"/signature", func(b *testing.B) {
			dot := strings.LastIndexByte(text, '.')
			signature, _ := base64.RawURLEncoding.DecodeString(text[dot+1:])
			b.ReportAllocs()
			for b.Loop() {
				if err := s.method.Verify(text[:dot], signature, public); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(alg+"/golang-jwt", func(b *testing.B) {
			parser := gojwt.NewParser(gojwt.WithValidMethods([]string{alg}), gojwt.WithIssuer(issuer),
				gojwt.WithAudience(audience), gojwt.WithExpirationRequired(), gojwt.WithTimeFunc(policy().Now))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := parser.ParseWithClaims(text, &gojwt.RegisteredClaims{}, func(*gojwt.Token) (any, error) { return public, nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
