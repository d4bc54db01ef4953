package resultset

import (
	"database/sql/driver"
	"math"
	"reflect"
	"slices"
	"time"
)

// The heap as package runtime divides it (malloc.go, sizeclasses.go, iface.go).
// The numbers are facts of the toolchain, not of the language: a test compares
// them with the running one.
const (
	pageBytes   = 8 << 10
	wordBytes   = 8
	tinyBytes   = 16  // smaller ones without pointers share blocks of this size
	headerAbove = 512 // larger ones with pointers, up to the last class, have a header
	staticInts  = 256 // numbers below are boxed without an allocation
)

var sizeClasses = [...]int{
	8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240,
	256, 288, 320, 352, 384, 416, 448, 480, 512, 576, 640, 704, 768, 896, 1024,
	1152, 1280, 1408, 1536, 1792, 2048, 2304, 2688, 3072, 3200, 3456, 4096, 4864,
	5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728, 10240, 10880, 12288, 13568,
	14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768,
}

var (
	setBytes    = int(reflect.TypeFor[Set]().Size())
	columnBytes = int(reflect.TypeFor[Column]().Size())
	valueBytes  = int(reflect.TypeFor[driver.Value]().Size())
	stringBytes = int(reflect.TypeFor[string]().Size())
	sliceBytes  = int(reflect.TypeFor[[]byte]().Size())
	timeBytes   = int(reflect.TypeFor[time.Time]().Size())
)

// headBytes returns the heap bytes of a Set with these columns and no rows.
func headBytes(columns []Column) int {
	n := classBytes(setBytes) + scannedBytes(len(columns)*columnBytes) + scannedBytes(len(columns)*stringBytes)
	for _, c := range columns {
		n += dataBytes(len(c.Name)) + dataBytes(len(c.DatabaseType))
	}
	return n
}

// arrayBytes returns the heap bytes of an array of n values, without what the
// values point to.
func arrayBytes(n int) int { return scannedBytes(n * valueBytes) }

// boxBytes returns the heap bytes that an interface value points to, but for
// the contents of a []byte, which all those of a row share. It reports false
// for a type that is not one of the plain ones, whose values are immutable and
// can be held and rebuilt exactly.
func boxBytes(v driver.Value) (n int, plain bool) {
	switch v := v.(type) {
	case nil, bool, int8, uint8:
		return 0, true
	case int64:
		return numberBytes(uint64(v), 8), true
	case float64:
		return numberBytes(math.Float64bits(v), 8), true
	case string:
		switch len(v) {
		case 0:
			return 0, true
		case 1:
			return stringBytes, true // its byte is one of package runtime's
		}
		return stringBytes + dataBytes(len(v)), true
	case []byte:
		if v == nil {
			return 0, true
		}
		return sliceBytes, true
	case time.Time:
		return timeBytes, true
	case int:
		return numberBytes(uint64(v), 8), true
	case uint:
		return numberBytes(uint64(v), 8), true
	case uint64:
		return numberBytes(v, 8), true
	case int32:
		return numberBytes(uint64(v), 4), true
	case uint32:
		return numberBytes(uint64(v), 4), true
	case float32:
		return numberBytes(uint64(math.Float32bits(v)), 4), true
	case int16:
		return numberBytes(uint64(v), 2), true
	case uint16:
		return numberBytes(uint64(v), 2), true
	}
	return 0, false
}

// numberBytes returns the heap bytes of a boxed number of the given size.
// Numbers fill the blocks that they share.
func numberBytes(bits uint64, size int) int {
	if bits < staticInts {
		return 0
	}
	return size
}

// dataBytes returns the heap bytes of n bytes without pointers. How well those
// below 16 bytes fill the blocks that they share depends on what else is
// allocated in between: whole words is the middle. It is exact for words and
// for a driver that allocates little else, and too low by a quarter of the
// data at most for one that throws as many short strings away as it keeps.
func dataBytes(n int) int {
	if n < tinyBytes {
		return (n + wordBytes - 1) / wordBytes * wordBytes
	}
	return classBytes(n)
}

// scannedBytes returns the heap bytes of an object of n bytes with pointers.
func scannedBytes(n int) int {
	if headerAbove < n && n <= sizeClasses[len(sizeClasses)-1]-wordBytes {
		n += wordBytes
	}
	return classBytes(n)
}

// classBytes returns the size of the slot that an object of n bytes gets.
func classBytes(n int) int {
	if n == 0 {
		return 0
	}
	if i, _ := slices.BinarySearch(sizeClasses[:], n); i < len(sizeClasses) {
		return sizeClasses[i]
	}
	return (n + pageBytes - 1) / pageBytes * pageBytes
}
