module github.com/tokenlife/tokenlife/examples/kubectl-login

go 1.26.0

require (
	github.com/tokenlife/tokenlife v0.0.0
	golang.org/x/oauth2 v0.37.0
)

require (
	github.com/go-jose/go-jose/v4 v4.1.9 // indirect
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
)

replace github.com/tokenlife/tokenlife => ../..
