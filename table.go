package querycache

import (
	"errors"
	"fmt"
	"strings"

	"github.com/querycache/querycache/dialect"
)

// parseTable reads a relation's name as users write it: name or schema.name,
// each part bare (then folded to lower case) or in double quotes, in which ""
// stands for one.
func parseTable(s string) (dialect.Table, error) {
	first, rest, err := namePart(s)
	if err != nil {
		return dialect.Table{}, malformedTable(s)
	}
	if rest == "" {
		return dialect.Table{Name: first}, nil
	}
	second := ""
	if rest[0] == '.' {
		second, rest, err = namePart(rest[1:])
	}
	if err != nil || rest != "" {
		return dialect.Table{}, malformedTable(s)
	}
	return dialect.Table{Schema: first, Name: second}, nil
}

func malformedTable(s string) error {
	return fmt.Errorf("table %q is malformed, expected name or schema.name, in double quotes where they are not plain", s)
}

var errNamePart = errors.New("malformed")

func namePart(s string) (part, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		var b strings.Builder
		for i := 1; i < len(s); i++ {
			if s[i] != '"' {
				b.WriteByte(s[i])
				continue
			}
			if i+1 < len(s) && s[i+1] == '"' {
				b.WriteByte('"')
				i++
				continue
			}
			if b.Len() == 0 {
				break
			}
			return b.String(), s[i+1:], nil
		}
		return "", "", errNamePart
	}
	i := 0
	for i < len(s) && (s[i] == '_' || s[i] == '$' || s[i] >= 0x80 ||
		s[i] >= '0' && s[i] <= '9' || s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z') {
		i++
	}
	if i == 0 {
		return "", "", errNamePart
	}
	return lower(s[:i]), s[i:], nil
}

// lower folds ASCII only, as the databases do with names.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
