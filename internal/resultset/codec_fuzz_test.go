package resultset

import (
	"database/sql/driver"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// FuzzDecode takes its input for a payload, and for the body of one whose
// checksum is right.
func FuzzDecode(f *testing.F) {
	golden(f)
	for _, p := range goldenPayloads(f) {
		f.Add(p[0], p[1], p)
		body, err := decompress(p[1], p[headerBytes:], Limits{})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p[0], p[1], p[headerBytes:])
		f.Add(p[0], byte(bodyPlain), body)
	}
	f.Fuzz(func(t *testing.T, version, form byte, data []byte) {
		limits := Limits{Bytes: 1 << 20}
		for _, p := range [][]byte{data, framed(form, data)} {
			room := allowed(0) + len(p) + 5*limits.Bytes
			if len(p) > 1 && p[1] == bodyPlain {
				room = min(room, allowed(len(p)))
			}
			if taken := allocated(func() { Decode(p, limits, scanAny) }); taken > room {
				t.Fatalf("%x: %d bytes of memory for %d", p, taken, len(p))
			}
			checkDecoded(t, p)
		}
	})
}

func FuzzCodec(f *testing.F) {
	here(f, load(f, "America/New_York"))
	for i := range uint64(20) {
		f.Add(i)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		roundTrip(t, fmt.Sprint("seed ", seed), randomSet(rand.New(rand.NewPCG(seed, 1))))
	})
}

func TestCodecRandomSets(t *testing.T) {
	here(t, load(t, "America/New_York"))
	for seed := range uint64(1000) {
		roundTrip(t, fmt.Sprint("seed ", seed), randomSet(rand.New(rand.NewPCG(seed, 0))))
		if t.Failed() {
			return
		}
	}
}

// randomSet returns a Set whose columns are of one type each, or of two (as if
// NULL may be), or of all.
func randomSet(rnd *rand.Rand) *Set {
	columns := make([]Column, rnd.IntN(6))
	choices := make([][]func(*rand.Rand) driver.Value, len(columns))
	for i := range columns {
		columns[i] = Column{
			Name: randomText(rnd), DatabaseType: randomText(rnd), ScanType: scanTypes[rnd.IntN(len(scanTypes))],
			Length: rnd.Int64() >> rnd.IntN(64), HasLength: rnd.IntN(2) == 0,
			Nullable: rnd.IntN(2) == 0, HasNullable: rnd.IntN(2) == 0,
			Precision: int64(rnd.Uint64()) >> rnd.IntN(64), Scale: rnd.Int64N(3), HasPrecisionScale: rnd.IntN(2) == 0,
		}
		switch rnd.IntN(3) {
		case 0:
			choices[i] = randomValues
		default:
			for range 1 + rnd.IntN(2) {
				choices[i] = append(choices[i], randomValues[rnd.IntN(len(randomValues))])
			}
		}
	}
	set := newSet(columns)
	for range rnd.IntN(200) >> rnd.IntN(8) {
		r := make(row, len(columns))
		for i := range r {
			r[i] = choices[i][rnd.IntN(len(choices[i]))](rnd)
		}
		set.add(r)
	}
	set.clip()
	return set
}

var randomValues = []func(*rand.Rand) driver.Value{
	func(rnd *rand.Rand) driver.Value { return nil },
	func(rnd *rand.Rand) driver.Value { return rnd.IntN(2) == 0 },
	func(rnd *rand.Rand) driver.Value { return int64(randomBits(rnd)) },
	func(rnd *rand.Rand) driver.Value { return math.Float64frombits(randomBits(rnd)) },
	func(rnd *rand.Rand) driver.Value { return randomText(rnd) },
	func(rnd *rand.Rand) driver.Value { return []byte(randomText(rnd)) },
	func(rnd *rand.Rand) driver.Value { return []byte(nil) },
	func(rnd *rand.Rand) driver.Value {
		return time.Unix(int64(randomBits(rnd)), rnd.Int64N(1e9)).In(randomZones[rnd.IntN(len(randomZones))])
	},
	func(rnd *rand.Rand) driver.Value {
		return time.Unix(1.6e9+rnd.Int64N(1e8), rnd.Int64N(1e6)*1000).In(randomZones[rnd.IntN(len(randomZones))])
	},
	func(rnd *rand.Rand) driver.Value { return int(randomBits(rnd)) },
	func(rnd *rand.Rand) driver.Value { return int8(randomBits(rnd)) },
	func(rnd *rand.Rand) driver.Value { return int16(randomBits(rnd)) },
	func(rnd *rand.Rand) driver.Value { return int32(randomBits(rnd)) },
	func(rnd *rand.Rand) driver.Value { return uint(randomBits(rnd)) },
	func(rnd *rand.Rand) driver.Value { return uint8(randomBits(rnd)) },
	func(rnd *rand.Rand) driver.Value { return uint16(randomBits(rnd)) },
	func(rnd *rand.Rand) driver.Value { return uint32(randomBits(rnd)) },
	func(rnd *rand.Rand) driver.Value { return randomBits(rnd) },
	func(rnd *rand.Rand) driver.Value { return math.Float32frombits(uint32(randomBits(rnd))) },
}

var randomZones = func() []*time.Location {
	zones := []*time.Location{time.UTC, time.UTC, time.FixedZone("", 7200), time.FixedZone("X", -1)}
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Asia/Kolkata"} {
		if loc, err := time.LoadLocation(name); err == nil {
			zones = append(zones, loc)
		}
	}
	return zones
}()

// randomBits returns a number of any size, often one at the end of its range.
func randomBits(rnd *rand.Rand) uint64 {
	return (rnd.Uint64() >> rnd.IntN(64)) - uint64(rnd.IntN(2))<<63 ^ -uint64(rnd.IntN(2))
}

func randomText(rnd *rand.Rand) string {
	n := rnd.IntN(30)
	if rnd.IntN(50) == 0 {
		n = rnd.IntN(3 * chunkBytes)
	}
	return strings.Repeat(string(rune(rnd.IntN(0x3000))), n)
}
