// Package seal encrypts small values that a program hands out and takes back:
// cookies, entries of a store that others can read.
//
//	ring := &seal.Keyring{Keys: []token.Secret{current, previous}}
//
//	sealed, err := ring.Seal(ctx, "cookie/session", "0", plaintext)
//	plaintext, err = ring.Open(ctx, "cookie/session", "0", sealed)
//
// What was sealed can be read by nobody without the keys, and opens only if
// nobody changed it and if purpose and place are those it was sealed with. It
// can be opened more than once, and replaced by an older copy: whatever must
// not come back needs a store.
//
// # Purposes and places
//
// One secret serves many purposes: each has keys of its own, derived from the
// secret, so that a cookie never passes for a CSRF token. A place is where
// within that purpose the value belongs, such as the number of the cookie or
// the key of the store's entry, so that two values cannot change places. The
// place can be read in what was sealed; the purpose is not in it.
//
// # Keys
//
// A [Keyring] seals under its first key and opens what any of its keys sealed.
// To replace a key without a gap, put the new one second everywhere, then first
// everywhere; remove the old one when nothing that it sealed matters any more.
// A key is a secret of 32 random bytes, such as "openssl rand 32" makes:
// passwords are none. [File] reads them from a file, again and again, and kube.Keys
// from a Kubernetes Secret; [ParseKeys] is for a Load of your own, from wherever else
// such a text is kept.
//
// # Form
//
// What is sealed is a compact JWE (RFC 7516, section 7.1) with this header, to
// the letter:
//
//	{"alg":"dir","ctx":"PLACE","enc":"A256GCM","kid":"ID"}
//
// PLACE is the base64url of the place, and ID that of 6 bytes that name the key
// and of a salt of 12 bytes. The content encryption key is HKDF-SHA-256 (RFC
// 5869) of the key, this salt, and "tokenlife/1 " with the purpose behind it as
// the info. The name of a key is the first 6 bytes of HKDF-SHA-256 of it without
// salt and with "tokenlife key id/1" as the info. [Keyring.Key] gives the
// content encryption key to any JOSE library, which then reads it; and what a
// JOSE library wrote with that header, in that order, opens here.
//
// # MACs
//
// What may be read but not made up needs no encryption: [Keyring.MAC] makes a
// MAC of it under the first key, and [Keyring.CheckMAC] knows those of all keys.
// It is HMAC-SHA-256 of the 6 bytes that name the key and the message behind
// them. The key for it is HKDF-SHA-256 of the secret without salt and with
// "tokenlife mac/1 " and the purpose behind it as the info, so that it is none
// that seals, for whatever purpose. The message says all that there is to say,
// in places of its own: two messages that are put together in different ways
// must not be the same bytes.
package seal
