package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

const usage = `Shows what querycache does: the same program reads and writes a small shop,
first with a plain driver, then with the caching one.

  go run ./examples/quickstart     SQLite in a temporary folder
  go run ./examples/quickstart -dsn 'x.db?_pragma=busy_timeout(10000)'
                                   in a database of yours; without a timeout,
                                   SQLite refuses to write while others read
  go run ./examples/quickstart -driver pgxcache -dsn postgres://localhost/test
                                   in PostgreSQL

In a database of yours, the tables qc_quickstart_authors and
qc_quickstart_books are replaced, and dropped at the end.

`

// parse reads the arguments. After -h it explains them to w and returns
// flag.ErrHelp.
func parse(args []string, w io.Writer) (config, error) {
	cfg := defaults()
	set := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&cfg.driver, "driver", cfg.driver, "`name` of the caching driver, linked into this program")
	set.StringVar(&cfg.bare, "bare", "", "`name` of the plain driver (default: that of -driver without \"cache\")")
	set.StringVar(&cfg.dsn, "dsn", "", "data `source` for both drivers (default for sqlitecache: a temporary file)")
	set.DurationVar(&cfg.phase, "time", cfg.phase, "`length` of each of the two runs")
	set.Usage = func() {} // not after a mistake
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(w, usage)
		set.SetOutput(w)
		set.PrintDefaults()
		return cfg, err
	case err != nil:
		return cfg, fmt.Errorf("%w; -h explains", err)
	case set.NArg() > 0:
		return cfg, fmt.Errorf("unexpected argument %q, expected flags only; -h explains", set.Arg(0))
	}
	return cfg, nil
}

func (c config) validate() error {
	if c.phase < 100*time.Millisecond {
		return fmt.Errorf("-time is %v, expected at least 100ms", c.phase)
	}
	if c.dsn == "" && c.driver != "sqlitecache" {
		return fmt.Errorf("-driver %s needs -dsn, expected a data source name", c.driver)
	}
	return nil
}
