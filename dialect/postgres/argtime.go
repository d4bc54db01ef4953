package postgres

import (
	"encoding/binary"
	"reflect"
	"time"
)

func timeOf(v reflect.Value) (time.Time, bool) {
	if v.Type() != timeType || !v.CanInterface() {
		return time.Time{}, false
	}
	t, ok := v.Interface().(time.Time)
	return t, ok
}

// appendTime keeps the wall clock and the zone: pgx sends a timestamp as the
// wall clock shows it.
func appendTime(dst []byte, t time.Time) []byte {
	zone, offset := t.Zone()
	dst = binary.AppendVarint(dst, t.Unix())
	dst = binary.AppendUvarint(dst, uint64(t.Nanosecond()))
	return appendString(binary.AppendVarint(dst, int64(offset)), zone)
}
