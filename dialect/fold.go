package dialect

// Fold returns s with the ASCII letters in lower case, as SQLite compares
// names and PostgreSQL folds them. Other bytes stay as they are. It allocates
// only if it changes something.
func Fold(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return fold(s)
		}
	}
	return s
}

func fold(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + ('a' - 'A')
		}
	}
	return string(b)
}
