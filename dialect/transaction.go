package dialect

import "strings"

// transaction returns the statement if its tokens are transaction control
// that is understood to the last word, else nil. So "COMMIT AND CHAIN",
// "COMMIT PREPARED" and "BEGIN … END" blocks are not.
func transaction(tokens []Token) *Statement {
	rest := tokens[1:]
	switch tokens[0].keyword() {
	case "BEGIN":
		if len(rest) > 0 && transactionNouns[rest[0].keyword()] {
			rest = rest[1:]
		}
		return control(Begin, allModes(rest))
	case "START":
		return control(Begin, len(rest) > 0 && rest[0].keyword() == "TRANSACTION" && allModes(rest[1:]))
	case "COMMIT", "END":
		return control(Commit, len(skipNoun(rest)) == 0)
	case "ROLLBACK":
		rest = skipNoun(rest)
		if len(rest) == 0 {
			return control(Rollback, true)
		}
		if rest[0].keyword() == "TO" {
			return savepoint(RollbackTo, skipSavepoint(rest[1:]))
		}
	case "SAVEPOINT":
		return savepoint(Savepoint, rest)
	case "RELEASE":
		return savepoint(Release, skipSavepoint(rest))
	}
	return nil
}

func control(kind Kind, understood bool) *Statement {
	if !understood {
		return nil
	}
	return &Statement{Kind: kind, Refuse: ReasonNotRead}
}

func savepoint(kind Kind, name []Token) *Statement {
	if len(name) != 1 {
		return nil
	}
	t := name[0].Text
	switch name[0].Kind {
	case Word:
		t = Fold(t)
	case QuotedIdentifier:
		q := t[len(t)-1:]
		t = strings.ReplaceAll(t[1:len(t)-1], q+q, q)
		if t != Fold(t) {
			return nil // servers differ in whether case matters here
		}
	default:
		return nil
	}
	return &Statement{Kind: kind, Refuse: ReasonNotRead, Savepoint: t}
}

var transactionNouns = wordSet("TRANSACTION TRAN WORK")

var transactionModes = wordSet(`DEFERRED IMMEDIATE EXCLUSIVE CONCURRENT TRANSACTION
	ISOLATION LEVEL READ WRITE ONLY COMMITTED UNCOMMITTED REPEATABLE SERIALIZABLE
	NOT DEFERRABLE WITH CONSISTENT SNAPSHOT`)

func allModes(tokens []Token) bool {
	for _, t := range tokens {
		if t.Text != "," && (t.Kind != Word || !transactionModes[t.keyword()]) {
			return false
		}
	}
	return true
}

func skipNoun(tokens []Token) []Token {
	if len(tokens) > 0 && transactionNouns[tokens[0].keyword()] {
		return tokens[1:]
	}
	return tokens
}

// skipSavepoint skips the word SAVEPOINT in front of a name.
func skipSavepoint(tokens []Token) []Token {
	if len(tokens) > 1 && tokens[0].keyword() == "SAVEPOINT" {
		return tokens[1:]
	}
	return tokens
}
