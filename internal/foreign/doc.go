// Package foreign has what others say as errors of this module repeat it: brief,
// in one line, and nothing that a server may have put a secret into.
package foreign
