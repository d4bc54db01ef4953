package querycache

import (
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/querycache/querycache/dialect"
	"github.com/querycache/querycache/local"
	"github.com/querycache/querycache/stampede"
)

// A plan is what is known of one text. It is shared by all connections.
type plan struct {
	// key is the text without its comments, so that texts that differ only
	// in what a tracer wrote there share their answers.
	key  string
	hash uint64

	stmt *dialect.Statement
	hint hint
	// declared is what of the hint an answer depends on besides the text.
	declared string
	badHint  bool

	// decided are the last decisions, placed by identity; one holds while
	// identity and catalog are those it was made for.
	decided [4]atomic.Pointer[decision]
	// cost is what its query takes.
	cost stampede.Cost
	// refused is set for a while after an answer could not be kept.
	refused atomic.Pointer[refusal]
}

// unknownPlan is that of a statement whose text is not known.
var unknownPlan = &plan{stmt: &dialect.Statement{Refuse: dialect.ReasonUnanalysed, Effect: dialect.Taints}}

// readable reports whether the text may take the read path: a query by
// analysis, or lexically one for which the user vouches.
func (p *plan) readable() bool {
	return p.stmt.Kind == dialect.Read || p.stmt.SingleRead
}

// A refusal remembers that an answer of the statement was too large, or of a
// shape that cannot be kept, so that the next ones are not recorded in vain.
type refusal struct {
	reason Reason
	until  time.Time
}

const refusedFor = 10 * time.Minute

// Bounds of the memos.
const (
	planBytes    = 16 << 20
	maxPlanText  = 16 << 10
	planSlots    = 1 << 10
	planOverhead = 1 << 10
)

// plans remembers texts. A text that is the same object as last time, as a
// constant of the program is, costs one comparison of addresses.
type plans struct {
	dialect dialect.Dialect
	lexicon dialect.Lexicon
	// malformed is called for a text whose hint has a mistake.
	malformed func(text string, err error)

	slots  [planSlots]slot
	byText *local.Cache[string, *plan]
	byKey  *local.Cache[string, *dialect.Statement]
}

// A slot remembers the plan of a string by its address. It keeps the string
// alive, so the address cannot come to mean other bytes.
type slot struct {
	held atomic.Pointer[held]
	// seen is the address that came last. Only one that comes twice in a
	// row is worth an allocation: texts built anew for each call are not.
	seen atomic.Uintptr
}

type held struct {
	text string
	plan *plan
}

func newPlans(d dialect.Dialect, malformed func(string, error)) (*plans, error) {
	byText, err := local.NewMemo(planBytes, func(text string, p *plan) int {
		return len(text) + len(p.key) + planOverhead
	})
	if err != nil {
		return nil, err
	}
	byKey, err := local.NewMemo(planBytes, func(key string, st *dialect.Statement) int {
		return len(key) + planOverhead + 64*(len(st.Reads)+len(st.Writes)+len(st.Functions))
	})
	if err != nil {
		return nil, err
	}
	return &plans{dialect: d, lexicon: d.Lexicon(), malformed: malformed, byText: byText, byKey: byKey}, nil
}

func (b *plans) close() {
	b.byText.Close()
	b.byKey.Close()
}

// get returns the plan of a text.
func (b *plans) get(text string) *plan {
	address := uintptr(unsafe.Pointer(unsafe.StringData(text)))
	s := &b.slots[(address>>4^address>>14)%planSlots]
	if h := s.held.Load(); h != nil && len(h.text) == len(text) && unsafe.StringData(h.text) == unsafe.StringData(text) {
		return h.plan
	}
	p := b.lookup(text)
	if s.seen.Swap(address) == address && len(text) <= maxPlanText {
		s.held.Store(&held{text: text, plan: p})
	}
	return p
}

func (b *plans) lookup(text string) *plan {
	if p, ok := b.byText.Get(text); ok {
		return p
	}
	p := b.analyse(text)
	if len(text) <= maxPlanText {
		b.byText.Set(text, p, 0)
	}
	return p
}

func (b *plans) analyse(text string) *plan {
	h, err := findHint(b.lexicon, text)
	if err != nil {
		b.malformed(text, err)
	}
	p := &plan{key: b.lexicon.Strip(text), hint: h, badHint: err != nil}
	p.hash, p.declared = hashText(p.key), h.declared()
	if st, ok := b.byKey.Get(p.key); ok {
		p.stmt = st
		return p
	}
	p.stmt = b.dialect.Parse(p.key)
	if len(p.key) <= maxPlanText {
		b.byKey.Set(p.key, p.stmt, 0)
	}
	return p
}

// refuse keeps the statement from being cached for a while.
func (p *plan) refuse(reason Reason) {
	p.refused.Store(&refusal{reason: reason, until: time.Now().Add(refusedFor)})
}

// unfit returns why the statement is not cached for now; empty if it may be.
func (p *plan) unfit() Reason {
	r := p.refused.Load()
	if r == nil {
		return ""
	}
	if time.Now().After(r.until) {
		p.refused.CompareAndSwap(r, nil)
		return ""
	}
	return r.reason
}
