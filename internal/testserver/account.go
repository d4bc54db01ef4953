package testserver

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account gives folder to an account without privileges and returns it:
// PostgreSQL refuses to run as root.
func account(folder string) (*syscall.Credential, error) {
	uid, gid := uint64(65534), uint64(65534)
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		if uid, err = strconv.ParseUint(u.Uid, 10, 32); err != nil {
			return nil, fmt.Errorf("account %s: %w", name, err)
		}
		if gid, err = strconv.ParseUint(u.Gid, 10, 32); err != nil {
			return nil, fmt.Errorf("account %s: %w", name, err)
		}
		break
	}
	if err := os.Chown(folder, int(uid), int(gid)); err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
