package token_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

// gRPC's credentials.PerRPCCredentials, v1.0 to now.
var _ interface {
	GetRequestMetadata(ctx context.Context, uri ...string) (map[string]string, error)
	RequireTransportSecurity() bool
} = token.RPC{}

func TestRPC(t *testing.T) {
	t.Parallel()
	rpc := token.RPC{Source: newDeck("a")}
	got, err := rpc.GetRequestMetadata(t.Context(), "https://api.example/pkg.Service")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"authorization": "Bearer a"}, got); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if !rpc.RequireTransportSecurity() {
		t.Error("the zero RPC sends tokens in the clear")
	}
	if (token.RPC{Insecure: true}).RequireTransportSecurity() {
		t.Error("Insecure is without effect")
	}
}

func TestRPCErrors(t *testing.T) {
	t.Parallel()
	fails := func(err error) token.Source {
		return token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, err })
	}
	const uri = "https://api.example/pkg.Service"
	tests := []struct {
		name string
		src  token.Source
		is   error
		want string
	}{
		{"no Source", nil, nil, "no Source"},
		{"Source fails", fails(errDeck), errDeck, uri},
		{"Source blames a presented token", fails(token.ErrExpired), token.ErrRefused, uri},
		{"empty token", fails(nil), nil, "empty token"},
		{"cancelled", fails(context.Canceled), context.Canceled, uri},
	}
	for _, test := range tests {
		got, err := token.RPC{Source: test.src}.GetRequestMetadata(t.Context(), uri)
		if err == nil || got != nil || !strings.HasPrefix(err.Error(), "token: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, %v; want an error with %q", test.name, got, err, test.want)
		}
		if test.is != nil && !errors.Is(err, test.is) || errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v; want it to be %v", test.name, err, test.is)
		}
	}
}
