package program

import "testing"

// TestLockFile shows that the lock file is as it must be.
func TestLockFile(t *testing.T) {
	if err := Driver.CheckLock(); err != nil {
		t.Error(err)
	}
}
