package token

import (
	"context"
	"errors"
	"fmt"
)

// An RPC puts tokens from a [Source] on gRPC calls. It has the methods of
// gRPC's credentials.PerRPCCredentials without importing gRPC:
//
//	conn, err := grpc.NewClient(addr, grpc.WithPerRPCCredentials(token.RPC{Source: src}), …)
//
// gRPC does not tell its credentials of a refusal, so that none is tried again:
// where tokens are revoked early, an interceptor that sees Unauthenticated can
// call the Source's Invalidate.
type RPC struct {
	// Source supplies the tokens. Required.
	Source Source

	// Insecure permits sending tokens over connections without transport
	// security.
	Insecure bool
}

// GetRequestMetadata returns the metadata that authorizes one call. The call's
// address, if given, appears in the error and nowhere else.
func (r RPC) GetRequestMetadata(ctx context.Context, uri ...string) (map[string]string, error) {
	if r.Source == nil {
		return nil, errors.New("token: RPC has no Source: set the one that supplies its tokens")
	}
	tok, err := ask(ctx, r.Source)
	if err != nil {
		return nil, fmt.Errorf("token: no token for gRPC call %q: %w", uri, err)
	}
	// HTTP/2 has no upper case in the names of headers.
	return map[string]string{"authorization": tok.Header().Reveal()}, nil
}

// RequireTransportSecurity reports whether gRPC must refuse to make calls over
// a connection without transport security.
func (r RPC) RequireTransportSecurity() bool { return !r.Insecure }
