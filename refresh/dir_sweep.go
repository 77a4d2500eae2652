package refresh

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	sweepEvery = 64  // writes
	sweepFiles = 256 // files looked at
)

// sweep deletes some of what is of no use any more: values that have expired,
// and files that a process that was killed had not finished. It looks at four
// files for every write, from a random place on, as [Memory] does, and does so
// for many writes at a time, the first among them. Whoever calls it holds the
// lock of the folder.
func (d *Dir) sweep(root string, now time.Time) {
	if d.writes.Add(1)%sweepEvery != 1 {
		return
	}
	folder, err := os.Open(root)
	if err != nil {
		return
	}
	names, err := folder.Readdirnames(-1)
	folder.Close()
	if err != nil || len(names) == 0 {
		return
	}
	first := rand.IntN(len(names))
	for i := range min(len(names), sweepFiles) {
		name := names[(first+i)%len(names)]
		if d.useless(root, name, now) {
			os.Remove(filepath.Join(root, name)) // what stays is found again
		}
	}
}

// useless reports whether the file called name is to be swept. Files that are
// not of a Dir, or that cannot be read, are none of its business.
func (d *Dir) useless(root, name string, now time.Time) bool {
	if len(name) < len(fileName("")) {
		return false
	}
	if strings.HasSuffix(name, tempSuffix) {
		// Nobody else is writing while the lock is held. The minute is for file
		// systems whose locks do not hold.
		info, err := os.Lstat(filepath.Join(root, name))
		return err == nil && now.Sub(info.ModTime()) > time.Minute
	}
	e, err := d.read(root, name)
	return err == nil && e.value != nil && !e.live(now)
}
