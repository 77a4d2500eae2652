package token_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

func TestInspectOpaque(t *testing.T) {
	t.Parallel()
	const secret = "bzrxt7m5c4kqvdjg9wx2lh8n6pbzrxt7m5c4kqvdjg9wx2lh8n6pbz"
	for _, test := range []struct {
		text string
		kind token.Kind
		name string
	}{
		{"", token.KindUnknown, ""},
		{"token-x7k2p:" + secret, token.KindRancher, "token-x7k2p"},
		{"kubeconfig-u-abc.c-m-1:" + secret, token.KindRancher, "kubeconfig-u-abc.c-m-1"},
		{"agent-u-1:" + secret[:53], token.KindRancher, "agent-u-1"},
		{"anything:" + secret, token.KindRancher, "anything"},
		{"ext/token-9h8dx:" + secret, token.KindRancherExt, "token-9h8dx"},
		{"ext/ci:" + secret, token.KindRancherExt, "ci"},

		// Where it is not certain nothing is called a name.
		{"anything:" + secret[:53], token.KindUnknown, ""},
		{"anything:" + secret[:53] + "a", token.KindUnknown, ""}, // spells words
		{"Token-x7k2p:" + secret, token.KindUnknown, ""},
		{"token-x7k2p:" + secret + ":", token.KindUnknown, ""},
		{"token-x7k2p:", token.KindUnknown, ""},
		{"token-x7k2p", token.KindUnknown, ""},
		{"-x:" + secret, token.KindUnknown, ""},
		{":" + secret, token.KindUnknown, ""},
		{"ext/:" + secret, token.KindUnknown, ""},
		{"ext/token-a/b:" + secret, token.KindUnknown, ""},
		{strings.Repeat("a", 254) + ":" + secret, token.KindUnknown, ""},
		{"110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", token.KindUnknown, ""},

		{"V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr", token.KindRancher16, ""},
		{"V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNo", token.KindRancher16, ""}, // of the o only the capital is left out
		{"V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNO", token.KindUnknown, ""},
		{"V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNl", token.KindUnknown, ""},
		{"V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNI", token.KindUnknown, ""},
		{"V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZN", token.KindUnknown, ""},
		{"V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZN0", token.KindUnknown, ""}, // no zero in base58
		{"V1dMyPArix5nN1jxiA6DdzsqdZit DJhZuBR3vZNr", token.KindUnknown, ""},
		{strings.Repeat("a", 40), token.KindUnknown, ""},

		// Dots and braces that begin nothing.
		{".", token.KindUnknown, ""},
		{"..", token.KindUnknown, ""},
		{"a.b.c", token.KindUnknown, ""},
		{"eyJhbGciOiJSUzI1NiJ9", token.KindUnknown, ""}, // nothing tells where it should go on
		{"ey0abc.0123456789abcdef", token.KindUnknown, ""},
		{"e30abc.0123456789abcdef", token.KindUnknown, ""},
		{"a{}", token.KindUnknown, ""},
		{"v2.local.eyJhbGciOiJSUzI1NiJ9", token.KindUnknown, ""}, // PASETO
		{b64(`{x}`) + ".e30.", token.KindUnknown, ""},
	} {
		got, err := token.Inspect(token.NewSecret(test.text))
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if diff := cmp.Diff(token.Info{Kind: test.kind, Name: test.name}, got, cmp.AllowUnexported(token.Claims{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.text, diff)
		}
		if strings.Contains(fmt.Sprintf("%#v", got), secret[:8]) {
			t.Errorf("%s: its secret is in %#v", test.text, got)
		}
	}
}
