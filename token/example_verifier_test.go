package token_test

import (
	"context"
	"fmt"

	"github.com/tokenlife/tokenlife/token"
)

// A Verifier that also asks for an e-mail address that was verified.
func ExampleVerifierFunc() {
	// In earnest a jwt.Policy.
	var policy token.Verifier = token.VerifierFunc(func(context.Context, token.Secret) (token.Claims, error) {
		return token.ParseClaims([]byte(`{"sub":"alice","email":"alice@example.com","email_verified":false}`))
	})

	strict := token.VerifierFunc(func(ctx context.Context, presented token.Secret) (token.Claims, error) {
		claims, err := policy.Verify(ctx, presented)
		if err != nil {
			return token.Claims{}, err
		}
		var user struct {
			Verified bool `json:"email_verified"`
		}
		if err := claims.Decode(&user); err != nil || !user.Verified {
			return token.Claims{}, fmt.Errorf("%w: email_verified is not true", token.ErrInvalid)
		}
		return claims, nil
	})

	_, err := strict.Verify(context.Background(), token.NewSecret("…"))
	fmt.Println(err)
	// Output: token: invalid: email_verified is not true
}

// What an interceptor of a gRPC server does with the metadata of a call.
func ExampleFromHeader() {
	verifier := token.VerifierFunc(func(context.Context, token.Secret) (token.Claims, error) {
		return token.Claims{Subject: "alice"}, nil
	})
	metadata := map[string][]string{"authorization": {"Bearer alices-token"}}

	presented, err := token.FromHeader(metadata["authorization"])
	if err != nil {
		fmt.Println(err) // codes.Unauthenticated
		return
	}
	ctx := context.Background()
	claims, err := verifier.Verify(ctx, presented)
	if err != nil {
		fmt.Println(err) // codes.Unauthenticated if it matches ErrInvalid, else codes.Unavailable
		return
	}
	ctx = token.NewContext(ctx, claims)

	// And in the method that is called:
	caller, _ := token.FromContext(ctx)
	fmt.Println("called by", caller.Subject)
	// Output: called by alice
}
