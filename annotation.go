package querycache

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// annotations is the older spelling of a hint, as other libraries have it:
// @cache-ttl 30 (seconds) and @cache-max-rows 10, in one comment or several.
type annotations struct {
	ttl, maxRows int
}

func (a *annotations) any() bool { return a.ttl > 0 || a.maxRows > 0 }

func (a *annotations) hint() (hint, error) {
	return hint{given: true, ttl: time.Duration(a.ttl) * time.Second, maxRows: a.maxRows}, nil
}

// read takes the annotations from the body of one comment.
func (a *annotations) read(body string) error {
	words := strings.Fields(body)
	for i, word := range words {
		if !strings.HasPrefix(word, "@cache-") {
			continue
		}
		var into *int
		switch word {
		case "@cache-ttl":
			into = &a.ttl
		case "@cache-max-rows":
			into = &a.maxRows
		default:
			return fmt.Errorf("%q is unknown, expected @cache-ttl or @cache-max-rows", word)
		}
		if *into > 0 {
			return fmt.Errorf("%q is given twice", word)
		}
		if i+1 == len(words) {
			return fmt.Errorf("%q needs a whole number above 0 behind it", word)
		}
		n, err := strconv.Atoi(words[i+1])
		if err != nil || n <= 0 || n > 1<<30 {
			return fmt.Errorf("%s %s is malformed, expected a whole number above 0", word, words[i+1])
		}
		*into = n
	}
	return nil
}
