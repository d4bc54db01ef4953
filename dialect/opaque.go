package dialect

// Opaque returns a statement of which nothing is known but why it was not
// analysed: it may do anything.
func Opaque(reason Reason) *Statement { return &Statement{Refuse: reason, Effect: Taints} }

// Unparsed returns the statement of a text that was not parsed, for reason. Of
// its words it keeps whether it is a single read, since the server may know
// more syntax than a parser does, and whether it may begin a transaction.
func (l Lexicon) Unparsed(text string, reason Reason) *Statement {
	if reason == ReasonUnparsable {
		if st := l.Lexical(text); st.SingleRead && st.Kind == Unknown {
			st.Refuse = reason
			return st
		}
	}
	st := Opaque(reason)
	s := l.Scan(text)
	for t, ok := s.Next(); ok && !st.MayBegin; t, ok = s.Next() {
		st.MayBegin = t.Kind == Unterminated || beginWords[t.keyword()]
	}
	return st
}

var beginWords = wordSet("BEGIN START SAVEPOINT TRANSACTION")
