package pgsql

// SaysNow reports whether the text, or an element of the array, range, record
// or document that it is, may be read as a time relative to now. It takes words
// apart as the server does (ParseDateTime in datetime.c). What holds words that
// mean nothing in a time is none, but for one: that may be a time zone.
func SaysNow[T string | []byte](s T) bool {
	now, others := false, 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case isLetter(c):
			start := i
			for i < len(s) && (isLetter(s[i]) || s[i] == '\'' && i+1 < len(s) && isLetter(s[i+1])) {
				i++ // today's is one word
			}
			key := relative(s[start:i])
			if i < len(s) && (s[i] == '-' || s[i] == '/' || s[i] == '.' || (s[i] == '+' || isDigit(s[i])) && !key) {
				key = false // a date or a time zone
				for i < len(s) && (isLetter(s[i]) || isDigit(s[i]) || isJoint(s[i])) {
					i++
				}
			}
			switch {
			case key:
				now = true
			case i-start > 1 && !filler(s[start:i]):
				others++
			}
			continue
		case c >= 0x80:
			others += 2 // no time holds that
		case !isDigit(c) && !isSpace(c) && c != ':' && !isJoint(c):
			if now && others <= 1 {
				return true
			}
			now, others = false, 0
		}
		i++
	}
	return now && others <= 1
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isSpace(c byte) bool  { return c == ' ' || c >= '\t' && c <= '\r' }
func isJoint(c byte) bool {
	return c == '+' || c == '-' || c == '/' || c == '_' || c == '.' || c == ':'
}

// relative reports whether a word is one of those that mean a time by now.
func relative[T string | []byte](word T) bool {
	switch len(word) {
	case 3:
		return same(word, "now")
	case 5:
		return same(word, "today")
	case 8:
		return same(word, "tomorrow")
	case 9:
		return same(word, "yesterday")
	}
	return false
}

// filler reports whether a word may stand in a time beside a time zone.
func filler[T string | []byte](word T) bool {
	switch len(word) {
	case 2:
		return same(word, "am") || same(word, "pm") || same(word, "ad") || same(word, "bc") || same(word, "at") || same(word, "on")
	case 3:
		return same(word, "dst") || same(word, "now")
	case 8:
		return same(word, "allballs")
	}
	return false
}

// same compares without regard to case; lower is in lower case.
func same[T string | []byte](word T, lower string) bool {
	for i := range len(lower) {
		if word[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}
