package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	issuer   = "https://kubernetes.default.svc.cluster.local"
	audience = "https://kubernetes.default.svc"
	keyID    = "tKaNbJD4s5OZfrXo2JqFrTJbyJUVcvRZMPm9fV3yc0w"
)

// claims are those of a service account token, good for an hour: 539 bytes.
var claims = sync.OnceValue(func() []byte {
	now := time.Now().Unix()
	return fmt.Appendf(nil, `{"aud":["%s"],"exp":%d,"iat":%d,"iss":"%s","jti":"9d0c1a6e-3f0b-4c55-8a53-0f3f0f5b7a11",`+
		`"kubernetes.io":{"namespace":"ci","node":{"name":"worker-3.eu1","uid":"2b1a4d5e-7d6c-4b7f-9a70-3c1f2f6d8e01"},`+
		`"pod":{"name":"image-builder-6d9c7f5b8-x2x7k","uid":"8c9c6f0e-52b4-4f5b-8a0e-6b3b1c0f9d22"},`+
		`"serviceaccount":{"name":"builder","uid":"5f0a7c3d-1e2b-4a6d-b8c9-7e6f5d4c3b2a"},"warnafter":%d},`+
		`"nbf":%d,"sub":"system:serviceaccount:ci:builder"}`, audience, now+3607, now, issuer, now+3600, now)
})

// An algorithm signs, and verifies with the standard library and nothing around
// it.
type algorithm struct {
	name            string
	private, public any // the same []byte, if shared
	bare            func(signed string, signature []byte) bool
}

// algorithms are made once, since an RSA key takes its time.
var algorithms = sync.OnceValue(func() []algorithm {
	shared := make([]byte, 32)
	rand.Read(shared)
	rsaKey, err1 := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	edPublic, edKey, err3 := ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(err1, err2, err3); err != nil {
		panic(err)
	}
	return []algorithm{
		{"HS256", shared, shared, func(signed string, signature []byte) bool {
			mac := hmac.New(sha256.New, shared)
			mac.Write([]byte(signed))
			return hmac.Equal(mac.Sum(nil), signature)
		}},
		{"RS256", rsaKey, &rsaKey.PublicKey, func(signed string, signature []byte) bool {
			digest := sha256.Sum256([]byte(signed))
			return rsa.VerifyPKCS1v15(&rsaKey.PublicKey, crypto.SHA256, digest[:], signature) == nil
		}},
		{"ES256", ecKey, &ecKey.PublicKey, func(signed string, signature []byte) bool {
			digest := sha256.Sum256([]byte(signed))
			r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
			return ecdsa.Verify(&ecKey.PublicKey, digest[:], r, s)
		}},
		{"EdDSA", edKey, edPublic, func(signed string, signature []byte) bool {
			return ed25519.Verify(edPublic, []byte(signed), signature)
		}},
	}
})

// rs256 returns the one that is used most.
func rs256() algorithm { return algorithms()[1] }

func (a algorithm) header(keyID string) []byte {
	return fmt.Appendf(nil, `{"alg":"%s","kid":"%s"}`, a.name, keyID)
}

// sign returns the part of a token that is signed, and its signature.
func (a algorithm) sign(keyID string, claims []byte) (signed string, signature []byte) {
	signed = encode(a.header(keyID)) + "." + encode(claims)
	signature, err := jwt.GetSigningMethod(a.name).Sign(signed, a.private)
	if err != nil {
		panic(err)
	}
	return signed, signature
}

// token returns a token with the claims.
func (a algorithm) token(keyID string, claims []byte) string {
	signed, signature := a.sign(keyID, claims)
	return signed + "." + encode(signature)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
