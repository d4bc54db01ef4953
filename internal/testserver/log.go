package testserver

import (
	"io"
	"os"
)

// unlinked returns a file that is gone when the last process has closed it.
func unlinked() (*os.File, error) {
	log, err := os.CreateTemp("", "querycache-test-")
	if err != nil {
		return nil, err
	}
	return log, os.Remove(log.Name())
}

// tail returns the end of a log, also of one that has been removed.
func tail(log *os.File) string {
	const most = 2000
	size, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err.Error()
	}
	text, err := io.ReadAll(io.NewSectionReader(log, max(0, size-most), most))
	if err != nil {
		return err.Error()
	}
	return string(text)
}
