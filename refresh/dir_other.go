//go:build !linux && !darwin && !windows

package refresh

import (
	"errors"
	"os"
)

const (
	readersLock = true
	foldersSync = false
)

var errSystem = errors.New("not on this system, since nobody knows whether its locks hold: use another Store")

func tryLock(*os.File) (bool, error) { return false, errSystem }

func unlock(*os.File) {}

func rename(from, to string) error { return os.Rename(from, to) }

func checkFolder(string, os.FileInfo) error { return errSystem }

func checkFilesystem(string) error { return errSystem }
