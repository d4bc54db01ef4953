package resultset

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden payloads anew")

// golden is what the payloads in goldenFile are of. It is never changed, only
// added to.
func golden(t testing.TB) map[string]*Set {
	here(t, load(t, "Europe/Berlin"))
	sets := map[string]*Set{"nothing": newSet(nil), "rows of nothing": newSet(nil), "scan types": {}, "scanning": setOf("x")}
	sets["rows of nothing"].rows = 300
	sets["scanning"].scanWith(make([]ColumnScan, 1))

	var columns []Column
	for i, st := range scanTypes {
		columns = append(columns, Column{
			Name: fmt.Sprint("c", i), DatabaseType: fmt.Sprint("TYPE", i), ScanType: st,
			HasLength: i&1 != 0, Nullable: i&2 != 0, HasNullable: i&4 != 0, HasPrecisionScale: i&8 != 0,
			Length: []int64{0, 100, math.MaxInt64}[i%3], Precision: int64(i % 5), Scale: int64(-i % 7),
		})
	}
	sets["scan types"] = newSet(columns)

	sets["types"] = setOf(
		nil, nil, true, false, int64(-1), int64(math.MaxInt64), int64(math.MinInt64), 1.5, math.Copysign(0, -1),
		math.NaN(), "", "text", []byte(nil), []byte{}, []byte("bytes"), 7, int8(-8), int16(-16), int32(-32),
		uint(7), uint8(8), uint16(16), uint32(32), uint64(math.MaxUint64), float32(2.5))

	at := time.Unix(1.7e9, 123_456_000)
	sets["times"] = setOf(
		at.UTC(), at.Add(time.Second+1).UTC(), at.In(time.Local), at.In(load(t, "Asia/Kathmandu")),
		at.In(load(t, "America/New_York")), at.AddDate(0, 6, 0).In(load(t, "America/New_York")),
		at.In(time.FixedZone("", 3600)), at.In(time.FixedZone("X", -7)), time.Time{}, at.In(time.FixedZone("", 3600)))

	runs := newSet(columnsOf("a", "b"))
	for i := range 40 {
		r := row{int64(i * i), nil}
		if i%20 > 10 {
			r[1] = "text"
		}
		runs.add(r)
	}
	sets["runs"] = runs

	long := newSet(columnsOf("id", "text"))
	for i := range 100 {
		long.add(row{int64(i), strings.Repeat(fmt.Sprint(i, " words "), 10)})
	}
	sets["compressed"] = long
	return sets
}

var goldenFile = fmt.Sprintf("testdata/codec_v%d.txt", FormatVersion)

// goldenPayloads reads lines of a name and the payload in hex.
func goldenPayloads(t testing.TB) map[string][]byte {
	f, err := os.Open(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	payloads := map[string][]byte{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		name, digits, _ := strings.Cut(lines.Text(), ": ")
		if payloads[name], err = hex.DecodeString(digits); err != nil {
			t.Fatalf("%s: %s: %v", goldenFile, name, err)
		}
	}
	return payloads
}

// TestGolden holds the format: whoever changes it has to count FormatVersion
// on, lest a program take what another version wrote for something else.
func TestGolden(t *testing.T) {
	sets := golden(t)
	if *update {
		b := []byte("# Payloads of golden, in hex. A change of these is a new FormatVersion.\n")
		names := []string{}
		for name := range sets {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			b = fmt.Appendf(b, "%s: %x\n", name, encoded(t, sets[name]))
		}
		if err := os.WriteFile(goldenFile, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	payloads := goldenPayloads(t)
	if len(payloads) != len(sets) {
		t.Errorf("%d payloads of %d sets", len(payloads), len(sets))
	}
	for name, set := range sets {
		p := payloads[name]
		got, err := Decode(p, Limits{}, scanAny)
		if set.scans != nil && err == ErrScan {
			continue // TestCodecScanning
		}
		if err != nil || !got.Equal(set) || got.Bytes() != set.Bytes() {
			t.Errorf("%s: %+v, error %v", name, got, err)
		}
		// The bytes of a compressed body are S2's own affair.
		is, _ := decompress(p[1], p[headerBytes:], Limits{})
		now := encoded(t, set)
		if body, _ := decompress(now[1], now[headerBytes:], Limits{}); now[1] != p[1] || !bytes.Equal(body, is) {
			t.Errorf("%s: the format has changed, and FormatVersion has not:\n got %x\nwant %x", name, body, is)
		}
	}
	if payloads["compressed"][1] != bodyS2 {
		t.Error("no payload is compressed")
	}
}

func scanAny(types []string) []ColumnScan { return make([]ColumnScan, len(types)) }
