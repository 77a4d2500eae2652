package kubeconfig_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tokenlife/tokenlife/kube/kubeconfig"
)

// kubectl and we write the same file at the same time, and nothing that kubectl has
// written is lost: each honours the other's lock, also where one knows the file by a
// link. kubectl may put back what we have cleared, for it reads before it locks.
func TestWritesWithKubectl(t *testing.T) {
	for _, test := range []struct{ name, ours, theirs string }{
		{"one path", "config", "config"},
		{"ours is a link", "link", "config"},
		{"below a link", "folder/config", "config"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, err := range []error{
				os.WriteFile(filepath.Join(dir, "config"), []byte("users: []\n"), 0o600),
				os.Symlink("config", filepath.Join(dir, "link")),
				os.Symlink(".", filepath.Join(dir, "folder")),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			const users = 40
			ours, theirs := kubeconfig.Files{filepath.Join(dir, test.ours)}, filepath.Join(dir, test.theirs)
			var all sync.WaitGroup
			ready := make(chan string, users)
			all.Go(func() {
				defer close(ready)
				for i := range users {
					name := fmt.Sprint("u", i)
					for ctx := t.Context(); ctx.Err() == nil; {
						err := define(theirs, name)
						if err == nil {
							break
						}
						if !strings.HasSuffix(err.Error(), ".lock: file exists") {
							t.Error(err)
							return
						}
					}
					ready <- name
				}
			})
			for range 2 {
				all.Go(func() {
					for name := range ready {
						done, err := ours.Forget(context.Background(), name)
						// kubectl, which does not pause here, may be at work whenever it is
						// looked at, and a file is read after half a second nevertheless.
						for end := time.Now().Add(time.Minute); err != nil && time.Now().Before(end); {
							t.Log(err)
							done, err = ours.Forget(context.Background(), name)
						}
						if err != nil || len(done.Cleared) != 1 {
							t.Errorf("%s: %+v, %v", name, done, err)
						}
					}
				})
			}
			all.Wait()
			is, err := clientcmd.LoadFromFile(theirs)
			if err != nil {
				t.Fatal(err)
			}
			if len(is.AuthInfos) != users {
				t.Errorf("there are %d users, want %d", len(is.AuthInfos), users)
			}
			for name, a := range is.AuthInfos {
				if a.Username != name {
					t.Errorf("%s has %+v", name, a)
				}
			}
			if locks, _ := filepath.Glob(filepath.Join(dir, "*.lock")); len(locks) != 0 {
				t.Errorf("there is %q", locks)
			}
		})
	}
}

// define adds a user as kubectl config set-credentials does.
func define(path, name string) error {
	options := clientcmd.NewDefaultPathOptions()
	options.LoadingRules.ExplicitPath = path
	all, err := options.GetStartingConfig()
	if err != nil {
		return err
	}
	all.AuthInfos[name] = &clientcmdapi.AuthInfo{Username: name, Token: "opaque"}
	return clientcmd.ModifyConfig(options, *all, false)
}
