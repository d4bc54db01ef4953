package resultset

import (
	"database/sql/driver"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Should a toolchain come whose interfaces are otherwise, Decode works and is
// slow; whoever runs the tests with it is told.
func TestBoxesWork(t *testing.T) {
	if !boxesWork {
		t.Error("interfaces are not laid out as box has it: values are boxed one by one")
	}
	if holds(stringWord, int64(5)) || holds(0, int64(5)) {
		t.Error("a layout that is not so was taken for right")
	}
}

// boxedOneByOne makes boxes as if the layout of interfaces were not known.
func boxedOneByOne(t *testing.T) {
	was := boxesWork
	boxesWork = false
	t.Cleanup(func() { boxesWork = was })
}

// boxSets have runs that end before, at and behind the end of an array of boxes,
// and values in between that have none.
func boxSets() map[string]*Set {
	at := time.Unix(1.7e9, 5000)
	sets := map[string]*Set{}
	for _, rows := range []int{1, 2, maxBoxes - 1, maxBoxes, maxBoxes + 1, 3*maxBoxes + 5} {
		set := newSet(columnsOf("a", "b", "c", "d", "e", "f"))
		for i := range rows {
			r := row{int64(i) * 3, math.Float64frombits(uint64(i) * 3), strings.Repeat("y", i%(maxBoxed+3)), []byte{byte(i)}, at.Add(time.Duration(i)), nil}
			r[5] = r[i%5]
			set.add(r)
		}
		sets[fmt.Sprint(rows, " rows")] = set
	}
	return sets
}

func TestBoxes(t *testing.T) {
	for name, set := range boxSets() {
		roundTrip(t, name, set)
	}
	boxedOneByOne(t)
	for name, set := range boxSets() {
		roundTrip(t, name+", one by one", set)
	}
}

// Boxes are alive as long as one who has a value of them, and no array is shared
// by two Sets.
func TestBoxesStayAlive(t *testing.T) {
	set := boxSets()[fmt.Sprint(maxBoxes+1, " rows")]
	p := encoded(t, set)
	kept := make([][]driver.Value, 200)
	for i := range kept {
		got, err := Decode(p, Limits{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		kept[i] = []driver.Value{got.values[i%len(got.values)]}
		if i%20 == 0 {
			runtime.GC()
		}
	}
	runtime.GC()
	for i, k := range kept {
		if want := set.values[i%len(set.values)]; !sameValue(k[0], want) {
			t.Errorf("value %d: %v, want %v", i, k[0], want)
		}
	}
}

// A user who keeps one value of a large answer keeps an array of boxes and the
// text of its strings, not the answer.
func TestKeptValueHoldsLittle(t *testing.T) {
	set := newSet(columnsOf("a", "b"))
	for i := range 20_000 {
		set.add(row{int64(1000 + i), strings.Repeat("x", 100)})
	}
	p := encoded(t, set)
	kept := make([]driver.Value, 50)
	before := heap()
	for i := range kept {
		got, err := Decode(p, Limits{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		kept[i] = got.values[1+2*(400*i)]
	}
	each := (heap() - before) / len(kept)
	if most := maxBoxes*(stringBytes+100) + 3*chunkBytes; each > most {
		t.Errorf("a string of %d bytes holds %d, want %d at most", 100, each, most)
	}
	runtime.KeepAlive(kept)
}
