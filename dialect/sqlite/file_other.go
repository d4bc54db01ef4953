//go:build !linux

package sqlite

import (
	"os"
	"reflect"
	"strconv"
)

// fileID names a file by device, inode and time of birth. Where the system does
// not tell all of them it adds the path, so that a file with two paths has two
// names there. It reports false if there is no such file.
func fileID(path string) (string, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return "", false
	}
	// Systems differ in the type and in the names of its fields.
	st := reflect.Indirect(reflect.ValueOf(info.Sys()))
	if st.Kind() != reflect.Struct {
		return path, true
	}
	id, known := "", 0
	for _, name := range []string{"Dev", "Ino", "Birthtimespec", "CreationTime"} {
		n := number(st.FieldByName(name))
		if n != "" {
			known++
		}
		id += n + "."
	}
	if known < 3 {
		id += ":" + path
	}
	return id, true
}

func number(v reflect.Value) string {
	switch {
	case !v.IsValid():
		return ""
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	case v.Kind() == reflect.Struct: // Timespec, Filetime
		s := ""
		for i := range v.NumField() {
			s += number(v.Field(i)) + "_"
		}
		return s
	}
	return ""
}
