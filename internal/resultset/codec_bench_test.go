package resultset

import (
	"fmt"
	"go/build"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// prose returns words of English as comments of the Go source have them.
func prose(tb testing.TB) []string {
	files, _ := filepath.Glob(filepath.Join(build.Default.GOROOT, "src/net/http/*.go"))
	var words []string
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		for line := range strings.Lines(string(source)) {
			if comment, ok := strings.CutPrefix(strings.TrimSpace(line), "// "); ok {
				words = append(words, strings.Fields(strings.ReplaceAll(comment, `"`, ""))...)
			}
		}
	}
	if len(words) < 1000 {
		tb.Fatalf("%d words in the comments of Go's source, expected 1,000 and more: where is it?", len(words))
	}
	return words
}

// typical returns sets as programs have them.
func typical(tb testing.TB) map[string]*Set {
	words := prose(tb)
	rnd := rand.New(rand.NewPCG(1, 2))
	text := func(n int) string { return strings.Join(words[rnd.IntN(len(words)-n):][:n], " ") }
	set := func(rows int, names string, values func(i int) row) *Set {
		s := newSet(nil)
		for i, name := range strings.Fields(names) {
			s.columns = append(s.columns, Column{Name: name, DatabaseType: "TEXT", ScanType: reflect.TypeOf(values(0)[i])})
		}
		s = newSet(s.columns)
		for i := range rows {
			s.add(values(i))
		}
		s.clip()
		return s
	}
	item := func(i int) row {
		return row{int64(100_000 + 7*i), text(3), time.Unix(1.7e9+rnd.Int64N(1e7), rnd.Int64N(1e6)*1000)}
	}
	person := func(i int) row {
		return row{text(2), fmt.Sprintf("user%d@example.com", rnd.IntN(1e6)),
			[]string{"pending", "shipped", "delivered", "cancelled"}[rnd.IntN(4)], text(12)}
	}
	document := func(i int) row {
		return row{fmt.Sprintf(`{"id": %d, "sku": "SKU-%06d", "tags": ["%s", "%s"], "price": {"amount": %d.%02d, "currency": "EUR"}, "stock": %d, "description": "%s", "attributes": {"color": "%s", "weight_g": %d}, "active": %t}`,
			i, rnd.IntN(1e6), text(1), text(1), rnd.IntN(900), rnd.IntN(100), rnd.IntN(1000), text(20), text(1), rnd.IntN(5000), rnd.IntN(2) == 0)}
	}
	numbers := func(i int) row {
		return row{int64(i), rnd.Int64N(1000), rnd.Int64N(1e5), int64(i % 7), float64(rnd.IntN(1e5)) / 100, time.Unix(1.7e9+60*int64(i), 0).UTC()}
	}
	random := func(i int) row {
		b := make([]byte, 32)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		return row{fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", rnd.Uint32(), rnd.IntN(1<<16), rnd.IntN(1<<12), rnd.IntN(1<<12), rnd.Uint64N(1<<48)), b}
	}
	return map[string]*Set{
		"1x3":       set(1, "id title created_at", item),
		"100x3":     set(100, "id title created_at", item),
		"1000x3":    set(1000, "id title created_at", item),
		"text":      set(1000, "name email status note", person),
		"10 JSON":   set(10, "doc", document),
		"200 JSON":  set(200, "doc", document),
		"numbers":   set(1000, "id a b c price at", numbers),
		"uuid+blob": set(100, "uuid blob", random),
		"NULL":      set(1000, "a b", func(i int) row { return []row{{nil, nil}, {nil, int64(i)}}[rnd.IntN(2)] }),
	}
}

func BenchmarkAppendBinary(b *testing.B) {
	sets := typical(b)
	for _, name := range []string{"1x3", "100x3", "1000x3"} {
		b.Run(name, func(b *testing.B) {
			set := sets[name]
			b.ReportAllocs()
			var p []byte
			for b.Loop() {
				p, _ = set.AppendBinary(p[:0])
			}
			b.ReportMetric(float64(len(p)), "payload-B")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	sets := typical(b)
	for _, name := range []string{"1x3", "100x3", "1000x3", "text", "200 JSON", "numbers"} {
		b.Run(name, func(b *testing.B) {
			p := encoded(b, sets[name])
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(p, Limits{Bytes: 1 << 20}, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBoxes is what the values of 100x3 cost alone, to compare Decode with.
func BenchmarkBoxes(b *testing.B) {
	text, at := strings.Repeat("x", 2000), time.Now()
	b.ReportAllocs()
	for b.Loop() {
		values := make(row, 300)
		for i := 0; i < len(values); i += 3 {
			values[i], values[i+1], values[i+2] = int64(1000+i), text[i:][:20], at
		}
		runtime.KeepAlive(values)
	}
}

// BenchmarkCompress is where the numbers of codec_compress.go come from.
func BenchmarkCompress(b *testing.B) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		b.Fatal(err)
	}
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		b.Fatal(err)
	}
	methods := []struct {
		name   string
		pack   func([]byte) []byte
		unpack func([]byte) []byte
	}{
		{"s2", func(p []byte) []byte { return s2.Encode(nil, p) }, func(p []byte) []byte { p, _ = s2.Decode(nil, p); return p }},
		{"zstd", func(p []byte) []byte { return w.EncodeAll(p, nil) }, func(p []byte) []byte { p, _ = r.DecodeAll(p, nil); return p }},
	}
	sets := typical(b)
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		set := sets[name]
		var e encoder
		if err := e.encode(set); err != nil {
			b.Fatal(err)
		}
		body := e.body()
		for _, m := range methods {
			packed := m.pack(body)
			for _, way := range []struct {
				name string
				f    func()
			}{{"pack", func() { m.pack(body) }}, {"unpack", func() { m.unpack(packed) }}} {
				b.Run(name+"/"+m.name+"/"+way.name, func(b *testing.B) {
					for b.Loop() {
						way.f()
					}
					b.ReportMetric(float64(len(body)), "body-B")
					b.ReportMetric(100*float64(len(packed))/float64(len(body)), "%")
				})
			}
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	s := newSeal(b, sealKey(1))
	sets := typical(b)
	for _, name := range []string{"1x3", "100x3", "text"} {
		p := encoded(b, sets[name])
		sealed := s.Seal(nil, "name", p)
		b.Run("Seal/"+name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				s.Seal(nil, "name", p)
			}
		})
		b.Run("Open/"+name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				s.Open("name", sealed)
			}
		})
	}
}
