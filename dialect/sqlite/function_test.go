package sqlite

import (
	"database/sql/driver"
	"reflect"
	"testing"

	modernc "modernc.org/sqlite"
)

// Every function of the library behind the driver is in exactly one list, and
// those in pure that SQLite calls neither deterministic nor an aggregate or
// window function are known by name.
func TestFunctionListsCoverTheLibrary(t *testing.T) {
	fixed := nameSet("sqlite_compileoption_get sqlite_compileoption_used sqlite_source_id sqlite_version")
	db := open(t, "")
	for _, row := range db.rows("SELECT DISTINCT name, type, flags & 0x800 FROM pragma_function_list WHERE builtin") {
		name, typ, deterministic := row[0].(string), row[1].(string), row[2].(int64) != 0
		lists := 0
		for _, l := range []map[string]bool{pure, clock, volatile, mighty} {
			if l[name] {
				lists++
			}
		}
		if lists != 1 {
			t.Errorf("%s is in %d lists, want 1", name, lists)
		}
		if pure[name] && !deterministic && typ == "s" && !fixed[name] {
			t.Errorf("%s is in pure, but not deterministic", name)
		}
	}
}

// Every pragma of the library behind the driver is in the table.
func TestPragmasCoverTheLibrary(t *testing.T) {
	db := open(t, "")
	for _, row := range db.rows("PRAGMA pragma_list") {
		if name := row[0].(string); pragmas[name] == 0 {
			t.Errorf("%s is not in the table", name)
		}
	}
}

func TestTransparent(t *testing.T) {
	d := Dialect()
	c, err := modernc.NewConnector("x.db")
	if err != nil {
		t.Fatal(err)
	}
	if !d.Transparent(c) {
		t.Error("modernc's connector is not transparent")
	}
	if d.Transparent(nil) || d.Transparent(struct{ driver.Connector }{c}) {
		t.Error("a connector that is not known is transparent")
	}
}

func TestHooked(t *testing.T) {
	plain, hook := new(modernc.Driver), new(modernc.Driver)
	hook.RegisterConnectionHook(func(modernc.ExecQuerierContext, string) error { return nil })
	if hooked(plain) {
		t.Error("a driver without hooks has some")
	}
	if !hooked(hook) || !hooked(nil) || !hooked((*modernc.Driver)(nil)) {
		t.Error("a driver that has a hook, or none that is known, has no hooks")
	}
}

func TestDialectIsConservative(t *testing.T) {
	d := Dialect()
	if dst, ok := d.AppendArg([]byte("x"), reflect.Value{}); ok || string(dst) != "x" {
		t.Errorf("AppendArg = %q, %v, want it to decline", dst, ok)
	}
	if d.Aborted(driver.ErrBadConn) || d.Name() != "sqlite" || !d.Lexicon().Brackets {
		t.Error("the dialect is not itself")
	}
}
