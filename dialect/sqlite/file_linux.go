package sqlite

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// fileID names a file by device, inode and time of birth: an inode is given
// to a new file as soon as the old one is gone. Where the time is not known it
// adds the path, so that a file with two paths has two names there. It reports
// false if there is no such file.
func fileID(path string) (string, bool) {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO|unix.STATX_BTIME, &st)
	switch {
	case err == unix.ENOSYS || err == unix.EPERM: // old kernels, strict sandboxes
		var old unix.Stat_t
		err = unix.Stat(path, &old)
		return fmt.Sprintf("%d.%d:%s", old.Dev, old.Ino, path), err == nil
	case err != nil:
		return "", false
	case st.Mask&unix.STATX_BTIME == 0, st.Btime == unix.StatxTimestamp{}:
		return fmt.Sprintf("%d.%d.%d:%s", st.Dev_major, st.Dev_minor, st.Ino, path), true
	}
	return fmt.Sprintf("%d.%d.%d.%d.%d", st.Dev_major, st.Dev_minor, st.Ino, st.Btime.Sec, st.Btime.Nsec), true
}
