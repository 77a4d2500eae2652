package refresh

import "os"

// SetDisk has sync and rename called in the place of those of the system.
func SetDisk(d *Dir, sync func(*os.File) error, rename func(from, to string) error) {
	d.disk = disk{sync, rename}
}

var (
	FileName = fileName
	LockAt   = lockAt
)

// MaxSealed is how long a value may be that is to be sealed.
const MaxSealed = maxSealed
