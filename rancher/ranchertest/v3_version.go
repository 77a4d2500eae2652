package ranchertest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A v3Version is major, minor and patch of a version of Rancher. What follows
// them, such as "-rc1", makes no difference here.
//
// What changed when is asked for where it matters: s.is.since(2, 13, 0).
type v3Version [3]int

func parseV3Version(text string) (v v3Version) {
	number, _, _ := strings.Cut(strings.TrimPrefix(text, "v"), "-")
	parts := strings.Split(number, ".")
	if len(parts) == 2 {
		parts = append(parts, "0")
	}
	var err error
	for i := range v {
		if err == nil && len(parts) == len(v) {
			v[i], err = strconv.Atoi(parts[i])
		}
	}
	if err != nil || v[0] != 2 || v[1] < 0 || v[2] < 0 {
		panic(fmt.Sprintf("ranchertest: NewV3(%q): a version is like v2.13.1", text))
	}
	return v
}

// since reports whether v is the given version, or a later one.
func (v v3Version) since(major, minor, patch int) bool {
	return slices.Compare(v[:], []int{major, minor, patch}) >= 0
}
