package sqlite

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// fileID names a file by device, inode and time of birth: an inode is given
// to a new file as soon as the old one is gone. It reports false if there is
// no such file.
func fileID(path string) (string, bool) {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO|unix.STATX_BTIME, &st)
	if err == unix.ENOSYS || err == unix.EPERM { // old kernels, strict sandboxes
		var old unix.Stat_t
		err = unix.Stat(path, &old)
		return fmt.Sprintf("%d.%d", old.Dev, old.Ino), err == nil
	}
	if err != nil {
		return "", false
	}
	return fmt.Sprintf("%d.%d.%d.%d.%d", st.Dev_major, st.Dev_minor, st.Ino, st.Btime.Sec, st.Btime.Nsec), true
}
