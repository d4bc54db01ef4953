package testserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// install is a shell script: $1 is a package, $2 a command to run before.
//
// The package must not start a server of its own; policy-rc.d is how Debian
// is told so, and is left alone where somebody else has told.
const install = `
export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1
policy=/usr/sbin/policy-rc.d
if ! test -e $policy; then
	trap 'rm -f $policy' EXIT
	printf '#!/bin/sh\nexit 101\n' > $policy
	chmod +x $policy
fi
sh -c "$2" || exit
get() {
	apt-get -o Acquire::http::Timeout=20 -o DPkg::Lock::Timeout=300 "$@"
}
get install -y --no-install-recommends "$1" || {
	get update && get install -y --no-install-recommends "$1"
}
`

// apt installs the Debian package of a server and goes the local way.
func apt(k kind) (string, error) {
	if _, err := k.installed(); err != nil {
		return "", err
	}
	return local(k)
}

// installed is found, after installing what is not.
func (k kind) installed() (string, error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", err
	}
	if os.Geteuid() != 0 {
		return "", errors.New("installing needs root")
	}
	// Other packages' tests run at the same time and want the same.
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "querycache-test-apt.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }() // and so unlock
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", err
	}
	if _, err := k.found(); err != nil {
		if err := k.install(); err != nil {
			return "", err
		}
	}
	return k.found()
}

func (k kind) install() error {
	// Not into a pipe, and out of reach of Ctrl-C: an installation is better
	// finished, even if these tests are not.
	log, err := unlinked()
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command("sh", "-c", install, "install", k.deb, k.prepare)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("installing %s: %w; the end of what apt-get says:\n%s", k.deb, err, tail(log))
	}
	return nil
}
