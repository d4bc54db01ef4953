package dialect

import (
	"slices"
	"strings"
)

// Lexical analyses a text by its words alone. It is what is left for a text
// that no parser understands: it tells a single read (kind [Unknown], with
// SingleRead set; kind [Read] and refused if it locks rows), a write of it
// does not know what, transaction control and texts made of these; all else
// is Unknown and taints the session. It names no relations, so nothing it
// returns may be cached unless a user vouches for it. It never returns nil.
func (l Lexicon) Lexical(text string) *Statement {
	if reason := l.Guard(text); reason != "" {
		return Opaque(reason)
	}
	var parts []*Statement
	var words []Token // of the current statement
	s := l.Scan(text)
	for more := true; more; {
		var t Token
		t, more = s.Next()
		switch {
		case t.Kind == Unterminated || t.Kind == BlockComment && t.isCode():
			return Opaque(ReasonUnanalysed)
		case t.isComment():
		case more && t.Text != ";":
			words = append(words, t)
		case len(words) > 0: // a semicolon or the end
			parts = append(parts, lexical(words))
			words = words[:0]
		}
	}
	switch {
	case len(parts) == 0:
		return &Statement{Kind: Neutral, Refuse: ReasonNotRead}
	case len(parts) == 1:
		return parts[0]
	case slices.ContainsFunc(parts, func(p *Statement) bool { return p.Kind == Unknown && !p.SingleRead }):
		return Opaque(ReasonMulti)
	}
	return Join(parts)
}

// lexical analyses the tokens of one statement.
func lexical(tokens []Token) *Statement {
	first := tokens
	for len(first) > 1 && first[0].Text == "(" {
		first = first[1:] // (SELECT …) UNION …
	}
	if first[0].Kind != Word {
		return Opaque(ReasonUnanalysed)
	}
	switch first[0].keyword() {
	case "SELECT", "WITH", "VALUES", "TABLE", "SHOW":
		return lexicalRead(first)
	case "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE":
		if len(first) < len(tokens) || hasWord(tokens, otherWords) {
			return Opaque(ReasonUnanalysed)
		}
		return &Statement{Kind: Write, Refuse: ReasonNotRead, Effect: callEffect(tokens)}
	}
	if st := transaction(tokens); st != nil {
		return st
	}
	return Opaque(ReasonUnanalysed)
}

func lexicalRead(tokens []Token) *Statement {
	rest, locks := withoutLocking(tokens)
	if hasWord(rest, writeWords) || hasWord(rest, otherWords) {
		return Opaque(ReasonUnanalysed)
	}
	st := &Statement{Refuse: ReasonUnanalysed, SingleRead: true, Effect: callEffect(tokens)}
	switch {
	case locks:
		// Nobody can vouch for it, but it writes nothing.
		st.Kind, st.Refuse, st.SingleRead = Read, ReasonLocking, false
	case tokens[0].keyword() == "SHOW":
		st.Kind, st.Refuse = Neutral, ReasonNotRead
	}
	return st
}

// writeWords may stand in a write.
var writeWords = wordSet("INSERT UPDATE DELETE MERGE UPSERT INTO REPLACE SET DO")

// otherWords belong to statements that are neither reads nor plain writes.
// Some servers need no semicolon between two statements, so these count
// wherever they stand.
var otherWords = wordSet(`TRUNCATE COPY CREATE ALTER DROP RENAME GRANT REVOKE DENY LOCK
	CALL EXECUTE EXEC PREPARE DEALLOCATE DECLARE BEGIN COMMIT ROLLBACK SAVEPOINT USE
	DISCARD LISTEN UNLISTEN NOTIFY LOAD IMPORT OUTFILE DUMPFILE HANDLER BULK BACKUP RESTORE
	KILL SHUTDOWN REVERT DBCC REFRESH REINDEX VACUUM ATTACH DETACH PRAGMA`)

func wordSet(words string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// keyword returns a word in upper case. The name of a parameter counts: what
// one server takes for :insert is code for another.
func (t Token) keyword() string {
	switch t.Kind {
	case Word:
		return strings.ToUpper(t.Text)
	case Parameter:
		return strings.ToUpper(strings.TrimLeft(t.Text, "?:@$#"))
	}
	return ""
}

func hasWord(tokens []Token, set map[string]bool) bool {
	for i, t := range tokens {
		w := t.keyword()
		if w == "REPLACE" && i+1 < len(tokens) && tokens[i+1].Text == "(" {
			continue // the function
		}
		if set[w] {
			return true
		}
	}
	return false
}

// withoutLocking takes the words of row locks out of a read's tokens and
// reports whether there were any.
func withoutLocking(tokens []Token) (rest []Token, locks bool) {
	word := func(i int) string {
		if i < len(tokens) {
			return tokens[i].keyword()
		}
		return ""
	}
	for i := 0; i < len(tokens); i++ {
		n := 0
		switch word(i) {
		case "FOR":
			switch {
			case word(i+1) == "UPDATE", word(i+1) == "SHARE":
				n = 2
			case word(i+1) == "KEY" && word(i+2) == "SHARE":
				n = 3
			case word(i+1) == "NO" && word(i+2) == "KEY" && word(i+3) == "UPDATE":
				n = 4
			}
		case "LOCK":
			if word(i+1) == "IN" && word(i+2) == "SHARE" && word(i+3) == "MODE" {
				n = 4
			}
		}
		if n == 0 {
			rest = append(rest, tokens[i])
			continue
		}
		locks = true
		i += n - 1
	}
	return rest, locks
}
