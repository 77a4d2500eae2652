package kube

// Why a token is refused, as the Cause of a finding says it: the same words each
// time, so that they can be looked for. What is particular to one token is in the
// evidence.
const (
	// By its text.
	causeNoToken   = "there is no token: its text is empty"
	causeHeader    = "this is a header rather than the token in it"
	causeTooLong   = "this is no token: it is too long"
	causeWhite     = "there is white space or a line break in the token"
	causeQuotes    = "there are quotation marks around the token"
	causeBase64    = "this is a token in base64, as Secrets have it"
	causeOddByte   = "this is no token: there is a character in it that no token has"
	causeMalformed = "this is no whole token"
	causeUnsigned  = "the token is not signed, and whoever checks it refuses it for that"
	causeDashboard = "this is a session of the Kubernetes Dashboard, and only the Dashboard can open it"
	causeEncrypted = "this is an encrypted token, and no API server can read it"
	causeRancher   = "this is a token of Rancher, which a cluster's own API server does not know"

	// By the clock.
	causeExpired     = "the token has expired"
	causeEnding      = "the token is at its end, where it is a matter of clocks whether it is still good"
	causeNotYet      = "the token is not valid yet"
	causeStale       = "the token is past the time by which it should have been replaced, which the API server logs, though it takes it until it expires"
	causeClockAhead  = "the API server's clock is ahead of this machine's"
	causeClockBehind = "the API server's clock is behind this machine's"

	// By whom it is from and for.
	causeAudience  = "the token is for another audience"
	causeIssuer    = "the token is from an issuer that the API server does not know"
	causeKeyGone   = "the token is signed by a key that the API server does not have, or no longer has"
	causeSignature = "the signature of the token is wrong: it was altered, or another cluster has signed it"
	causeUnknown   = "the API server does not know the token"

	// By what it hangs on.
	causeAccountDeleted   = "the service account of the token has been deleted"
	causeAccountRecreated = "the service account of the token has been deleted and made anew"
	causeBoundDeleted     = "the %s that the token is bound to has been deleted"
	causeBoundRecreated   = "the %s that the token is bound to has been deleted and made anew"
	causeBoundEnding      = "the %s that the token is bound to is being deleted for more than a minute"
	causeBoundGone        = "the %s that the token is bound to has been deleted, or is being deleted for more than a minute"
	causeRevoked          = "what the token hangs on is gone, or another"
	causeLegacyDeleted    = "the Secret that the token is from has been deleted"
	causeLegacyReplaced   = "the Secret that the token is from holds another token now"
	causeLegacyInvalid    = "the token is marked as invalid, because nobody had used it for a year"

	// It is not the token.
	causeForbidden   = "the token is good, and its user may not do this: it is permission that is missing rather than authentication"
	causeAdmission   = "the token is good: an admission plugin or a webhook of the server does not want the request"
	causeAnonymous   = "the call came to the API server without a token"
	causeReplaced    = "what comes to the API server is another credential than this token"
	causeMomentary   = "the token is good now: the server, or a proxy before it, was away or overloaded when the call failed"
	causeGranted     = "the token is good, and its user may do this now"
	causeOnce        = "the token is good now: the call that was refused was made at another time, or with another token"
	causeDiffer      = "the API server takes the token one time and not another: there are several that differ, or something before them decides"
	causeUnseen      = "the token was not looked at: whoever asked here may not have it reviewed"
	causeProxy       = "what refuses the token is not the API server, but something before it"
	causeCannotTell  = "the API server cannot find out whether the token is good, because what it asks about tokens does not answer"
	causeUnexplained = "the API server refuses the token, and to whoever asked here nothing shows why"

	// Nobody has looked at the token.
	causeAway      = "the API server does not answer, and the token was not looked at"
	causeTrouble   = "the API server, or a proxy before it, is in trouble, and the token was not looked at"
	causeBusy      = "the API server wants to be asked less often, and the token was not looked at"
	causeUntrusted = "the certificate of the API server cannot be verified, and the token was not sent"
	causeNotAPI    = "what answers is not a Kubernetes API server, and the token was not sent"
	causeInClear   = "the address of the API server is not https, and the token was not sent"
	causeSetUp     = "nothing was asked: the rest.Config is not complete, or wrong"
	causeBrokenOff = "the diagnosis was broken off before the server had answered"
	causeAsker     = "the credential with which the token was to be looked into is refused itself"
	causePanic     = "the diagnosis itself has failed, which says nothing of the token"
)
