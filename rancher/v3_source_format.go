package rancher

import (
	"fmt"
	"io"
)

// Format implements [fmt.Formatter]: what a V3Source holds is not printed. Without
// a Store that is all that a Store would hold.
func (s *V3Source) Format(f fmt.State, verb rune) { io.WriteString(f, "rancher.V3Source") }
