package dashboard

// What the Dashboard says of logins and sessions. After the second and the third
// its pages have people log in.
const (
	msgUnauthorized = "MSG_LOGIN_UNAUTHORIZED_ERROR"
	msgExpired      = "MSG_TOKEN_EXPIRED_ERROR"
	msgKeyChanged   = "MSG_ENCRYPTION_KEY_CHANGED"
	msgExclusive    = "MSG_DASHBOARD_EXCLUSIVE_RESOURCE_ERROR"

	msgCSRF         = "CSRF validation failed"
	msgCSRF7        = "MSG_CSRF_VALIDATION_ERROR" // the same in 7.x
	msgNoCredential = "Not enough data to create authenticator."
	msgNoContext    = "Context matching current context not found. Check if your config file is valid."
	msgNoUser       = "User matching current context user not found. Check if your config file is valid."
	msgNoAuthInfo   = "Not enough data to create auth info structure."
	msgNoSession    = "Can not refresh token. No token provided."
)

// What 2.x says with a 500 of sessions that it cannot read.
const (
	msgNoJWE        = "square/go-jose: compact JWE format must have five parts"
	msgCryptography = "square/go-jose: error in cryptographic primitive"
	msgAAD          = "Token validation error. Could not unmarshal AAD."
)
