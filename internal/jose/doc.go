// Package jose holds what the forms of JOSE have in common, read strictly:
// base64url of which there is one spelling, and headers.
//
// It is for the packages of this module that read tokens; keys, signatures and
// encryption are elsewhere.
package jose
