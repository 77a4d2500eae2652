package kube_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// A signature has a length by its alg. Some RSA keys are weak, or have odd sizes, and of an
// alg that no API server signs by nothing is known.
func TestDiagnoseSignatureLength(t *testing.T) {
	t.Parallel()
	rsa := []int{128, 192, 256, 304, 384, 512}
	for _, test := range []struct {
		algs      string
		good, bad []int
	}{
		{"ES256 EdDSA", []int{64}, []int{63, 65, 128}},
		{"ES384", []int{96}, []int{64, 95, 192}},
		{"ES512", []int{132}, []int{128, 131}},
		{"RS256 RS384 RS512 PS256 PS384 PS512", rsa, []int{112, 130, 255, 257}},
		{"HS256", []int{31, 32, 130}, nil},
	} {
		for alg := range strings.FieldsSeq(test.algs) {
			s := forge(object{"alg": alg}, object{"iss": apiIssuer, "sub": appUser}).Reveal()
			s = s[:strings.LastIndexByte(s, '.')+1]
			whole := func(n int) bool {
				cut := token.NewSecret(s + base64.RawURLEncoding.EncodeToString(make([]byte, n)))
				return len(kube.Diagnose(t.Context(), kube.Suspect{Token: cut}, nil).Findings) == 0
			}
			for _, n := range test.good {
				if !whole(n) {
					t.Errorf("%s: %d bytes are none", alg, n)
				}
			}
			for _, n := range test.bad {
				if whole(n) {
					t.Errorf("%s: %d bytes are one", alg, n)
				}
			}
		}
	}
}
