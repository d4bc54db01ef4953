package testserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// run starts a shell script, such as leash, in a folder of its own account,
// with that folder's log.
func run(folder, script string, args ...string) (*leashed, error) {
	log, err := os.OpenFile(filepath.Join(folder, "log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("sh", append([]string{"-c", script}, args...)...)
	cmd.Dir = folder // the account may not be allowed into ours
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "LC_ALL=C"}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is for the tests; the leash follows
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential, err = account(folder)
		if err != nil {
			return nil, err
		}
	}
	held, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	server := &leashed{ended: make(chan struct{}), let: func() { held.Close() }, log: log}
	go func() {
		defer close(server.ended)
		defer server.let() // and so it stays reachable, and open, until then
		_ = cmd.Wait()     // the log says more
	}()
	return server, nil
}
