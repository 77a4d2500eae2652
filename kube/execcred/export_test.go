package execcred

import "io"

// For tests and fuzzing outside the package, without an environment or a process.
var (
	ParseRequest   = parseRequest
	ReadCredential = readCredential
	Encode         = Request.encode
	AnswerAt       = Request.answer
	TimeoutOf      = (*Plugin).timeout
)

// NewHead returns where a Plugin's standard output goes.
func NewHead(full func()) io.Writer { return &head{full: full} }
