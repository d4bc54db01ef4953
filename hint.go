package querycache

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/querycache/querycache/dialect"
)

// A hint is what a comment of the statement asks for. Grammar:
//
//	hint  = "cache:" item { space item }
//	item  = "off" | "refresh"
//	      | "ttl=" duration | "stale=" duration
//	      | "max_rows=" number | "max_bytes=" number
//	      | "tables=" table { "," table } | "tags=" tag { "," tag }
//	      | "on_write=keep"
//	table = [ part "." ] part          part = bare name or "quoted name"
//	tag   = characters other than space, comma and quote
//
// in a block or line comment of which "cache:" is the first word. The older
// spelling @cache-ttl SECONDS and @cache-max-rows NUMBER, each optional, is
// understood too. More than one hint, an item twice and an unknown item are
// mistakes, and a hint with a mistake counts as none.
type hint struct {
	given    bool
	off      bool
	refresh  bool
	keep     bool
	ttl      time.Duration
	stale    time.Duration
	maxRows  int
	maxBytes int
	tables   []dialect.Table
	tags     []string
}

// declared encodes the tables and tags that a hint adds: an answer stored without
// them is not found by what invalidates them. Like other parts of a key it is
// unambiguous.
func (h *hint) declared() string {
	if len(h.tables) == 0 && len(h.tags) == 0 {
		return ""
	}
	var b []byte
	for _, t := range h.tables {
		b = appendKeyString(append(b, tagTable), t.String())
	}
	for _, tag := range h.tags {
		b = appendKeyString(append(b, tagHint), tag)
	}
	return string(b)
}

// findHint looks at the comments of a statement. The error says what is wrong
// with the hint; the statement is then run without one.
func findHint(lex dialect.Lexicon, text string) (hint, error) {
	// Most texts carry none, and scanning costs more than looking.
	if !strings.Contains(text, "cache:") && !strings.Contains(text, "@cache-") {
		return hint{}, nil
	}
	var h hint
	var old annotations
	for token := range lex.Comments(text) {
		body := commentBody(token.Text)
		if after, ok := strings.CutPrefix(body, "cache:"); ok {
			if h.given {
				return hint{}, errors.New("more than one cache: hint")
			}
			parsed, err := parseHint(after)
			if err != nil {
				return hint{}, err
			}
			h = parsed
			continue
		}
		if err := old.read(body); err != nil {
			return hint{}, err
		}
	}
	if old.any() {
		if h.given {
			return hint{}, errors.New("both a cache: hint and @cache- annotations")
		}
		return old.hint()
	}
	return h, nil
}

func commentBody(comment string) string {
	switch {
	case strings.HasPrefix(comment, "/*"):
		comment = strings.TrimSuffix(comment[2:], "*/")
	case strings.HasPrefix(comment, "--"):
		comment = comment[2:]
	case strings.HasPrefix(comment, "#"):
		comment = comment[1:]
	}
	return strings.TrimSpace(comment)
}

// parseHint reads what follows "cache:".
func parseHint(s string) (hint, error) {
	h := hint{given: true}
	seen := make(map[string]bool)
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" {
			break
		}
		item, rest := cutItem(s)
		s = rest
		key, value, hasValue := strings.Cut(item, "=")
		if seen[key] {
			return hint{}, fmt.Errorf("%q is given twice", key)
		}
		seen[key] = true
		if err := h.set(key, value, hasValue); err != nil {
			return hint{}, err
		}
	}
	if len(seen) == 0 {
		return hint{}, errors.New("hint is empty, expected ttl=30s or the like")
	}
	return h, nil
}

// cutItem splits off everything up to the first space outside of quotes.
func cutItem(s string) (item, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			quoted = !quoted
		case ' ', '\t', '\r', '\n':
			if !quoted {
				return s[:i], s[i:]
			}
		}
	}
	return s, ""
}

func (h *hint) set(key, value string, hasValue bool) (err error) {
	switch key {
	case "off", "refresh":
		if hasValue {
			return fmt.Errorf("%q takes no value", key)
		}
		h.off = h.off || key == "off"
		h.refresh = h.refresh || key == "refresh"
	case "ttl":
		h.ttl, err = parseDuration(key, value)
	case "stale":
		h.stale, err = parseDuration(key, value)
	case "max_rows":
		h.maxRows, err = parseCount(key, value)
	case "max_bytes":
		h.maxBytes, err = parseCount(key, value)
	case "tables":
		h.tables, err = parseTables(value)
	case "tags":
		h.tags, err = parseTags(value)
	case "on_write":
		if value != "keep" {
			return fmt.Errorf("on_write=%s is unknown, expected on_write=keep", value)
		}
		h.keep = true
	default:
		return fmt.Errorf("%q is unknown, expected off, refresh, ttl=, stale=, max_rows=, max_bytes=, tables=, tags= or on_write=keep", key)
	}
	return err
}

func parseDuration(key, value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s=%s is malformed, expected %s=30s or the like: a duration above 0 with its unit", key, value, key)
	}
	return d, nil
}

func parseCount(key, value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%s=%s is malformed, expected a whole number above 0", key, value)
	}
	return n, nil
}

func parseTables(value string) ([]dialect.Table, error) {
	var out []dialect.Table
	for _, name := range splitQuoted(value) {
		t, err := parseTable(name)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// splitQuoted splits at commas outside of double quotes.
func splitQuoted(s string) []string {
	var out []string
	quoted, start := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

func parseTags(value string) ([]string, error) {
	tags := strings.Split(value, ",")
	for _, tag := range tags {
		if tag == "" || strings.ContainsAny(tag, "\"\x00") {
			return nil, fmt.Errorf("tags=%s is malformed, expected names separated by commas", value)
		}
	}
	return tags, nil
}
