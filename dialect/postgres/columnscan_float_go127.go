//go:build go1.27

package postgres

import (
	"math"
	"strconv"
	"strings"
)

// appendFloat appends a number of 32 or 64 bits as the server writes it, which
// pgx does not: with an exponent from 6 or 15 digits before the point on.
func appendFloat(b []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	}
	s := strconv.FormatFloat(f, 'e', -1, bits)
	exponent, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if exponent < -4 || exponent >= 15 || bits == 32 && exponent >= 6 {
		return append(b, s...)
	}
	return strconv.AppendFloat(b, f, 'f', -1, bits)
}
