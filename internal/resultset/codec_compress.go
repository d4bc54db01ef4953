package resultset

import (
	"errors"
	"sync"

	"github.com/klauspost/compress/s2"
)

// A body is compressed with S2 where that pays. BenchmarkCompress, the best of
// many runs on two busy cores: size in bytes, what is left of it, µs to pack and
// to unpack, and next to them what all of Decode takes of such a payload:
//
//	             body         S2             zstd, fastest    Decode
//	100 x 3       2,726    91 %    3   2     80 %   17    8     18
//	1,000 x 3    26,997    91 %   26  15     77 %   80   50    144
//	text        120,815    56 %  237  72     38 %  849  212    319
//	10 JSON       3,441    58 %    6   3     43 %   23   10
//	200 JSON     68,377    43 %  128  57     31 %  398   89     91
//	numbers      16,825    59 %   20  10     49 %   92   37    179
//	uuid, blob    7,036   100 %    2   2     83 %   34   13
//
// The text's reader spends 72 µs and is spared 53 KB, which are 425 µs of a
// network of 1 Gbit/s, and the shared tier holds nearly twice as many. zstd
// takes three times as long for another sixth. Below 1 KiB there is little to
// find. S2 adds 75 KB to a program.
const (
	compressAbove = 1 << 10
	// leastSaving is the share of a body, as its inverse, that compression
	// must save to be kept.
	leastSaving = 8
	// maxBody bounds the bodies that are compressed, and so what Decode takes
	// for one if no limit of bytes is given.
	maxBody = 64 << 20
)

// The forms of a body. The numbers are part of the format.
const (
	bodyPlain = iota
	bodyS2    // a block of S2, which begins with the size of the body
)

// compress appends body to dst in the form that it returns.
func compress(dst, body []byte) (form byte, _ []byte) {
	if compressAbove <= len(body) && len(body) <= maxBody {
		block := s2.Encode(dst[len(dst):], body)
		if len(block) <= len(body)-len(body)/leastSaving {
			return bodyS2, append(dst, block...)
		}
	}
	return bodyPlain, append(dst, body...)
}

// decompress returns the body that is in data. It takes no memory for one that
// is too large for a Set within limits: whatever it is made of takes more there
// than in a body.
func decompress(form byte, data []byte, limits Limits) ([]byte, error) {
	return decompressInto(nil, form, data, limits)
}

// decompressInto is decompress into the memory of room, if that is enough.
func decompressInto(room []byte, form byte, data []byte, limits Limits) ([]byte, error) {
	if form == bodyPlain {
		return data, nil
	}
	size, err := s2.DecodedLen(data)
	switch {
	case errors.Is(err, s2.ErrTooLarge): // for a machine of 32 bits
		return nil, ErrTooLarge
	case form != bodyS2, err != nil:
		return nil, ErrCorrupt
	case size > maxBody, limits.Bytes > 0 && size > limits.Bytes:
		return nil, ErrTooLarge
	}
	body, err := s2.Decode(room, data)
	if err != nil {
		return nil, ErrCorrupt
	}
	return body, nil
}

// bodies has memory for bodies that are decompressed. A Set keeps nothing of
// them. More than maxRoom is left to the collector.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

const maxRoom = 64 << 10
