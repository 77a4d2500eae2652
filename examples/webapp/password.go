package main

import (
	"crypto/sha256"
	"crypto/subtle"
)

// A toy: real passwords are kept as argon2id or bcrypt makes them, and are not
// asked for as fast as one can guess.
var passwords = map[string]string{"alice": "wonderland", "bob": "builder"}

// checkPassword reports whether it is that of user. It takes as long for a user
// that there is none of.
func checkPassword(user, password string) bool {
	want, known := passwords[user]
	a, b := sha256.Sum256([]byte(want)), sha256.Sum256([]byte(password))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && known
}
