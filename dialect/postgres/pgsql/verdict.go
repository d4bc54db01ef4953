package pgsql

import (
	"strings"

	"github.com/querycache/querycache/dialect"
)

// A verdict is what a function means for the statement that calls it.
type verdict struct {
	reason dialect.Reason // why the answer is not cached; empty if it may be
	writes bool
	taints bool
}

// or returns what two functions mean together: a reason that comes with a write
// is stronger.
func (v verdict) or(o verdict) verdict {
	if v.reason == "" || o.writes && !v.writes {
		v.reason = cmpOr(o.reason, v.reason)
	}
	return verdict{v.reason, v.writes || o.writes, v.taints || o.taints}
}

// unknown is the verdict on a function that is newer than the catalog, or does
// not exist.
var unknown = verdict{dialect.ReasonUnknownFunc, true, true}

func (r routine) verdict() verdict {
	v := verdict{writes: r.writes, taints: r.taints}
	switch {
	case r.writes:
		v.reason = dialect.ReasonVolatile
	case r.volatility > 0:
		v.reason = dialect.ReasonUnknownFunc
	}
	return v
}

// function judges a function, an operator or a type by its name: as the worst
// of those that have it.
func (c *catalog) function(name string) verdict {
	t := parseName(name)
	r, users := c.routines[t]
	v := c.declared.on(t, r.verdict())
	switch {
	case strings.HasPrefix(t.Name, operatorName("")), strings.HasPrefix(t.Name, typeName("")), valueFunctions[t.Name], t.Name == eventTriggers:
		return v
	case t.Schema == "" && c.builtins[t.Name]:
		return v.or(builtin(t.Name))
	case users:
		return v
	case t.Schema == "" && pure[t.Name]:
		return v
	}
	return unknown
}

// builtin judges a built-in function. What its call in a text forbids is in
// Statement.Refuse.
func builtin(name string) verdict {
	switch {
	case runsText[name]:
		return verdict{dialect.ReasonVolatile, true, true}
	case sessionCalls[name] == dialect.Taints:
		return verdict{dialect.ReasonSessionFunc, false, true}
	case pure[name], name == "age":
		return verdict{}
	}
	return verdict{dialect.ReasonVolatile, false, false}
}

// field judges a qualified column, which is a call if there is no such column.
// A row is an argument to functions of users only: what is built in takes no
// rows, or is pure.
func (c *catalog) field(name string) verdict {
	name, value := strings.CutPrefix(name, ".")
	if !value {
		return c.ofRow[name].verdict()
	}
	v := c.ofValue[name].verdict()
	if !c.builtinsOfValue[name] || pure[name] {
		return v
	}
	return v.or(builtin(name)).or(verdict{reason: ownReason(name)})
}

var valueFunctions = nameSet(`current_catalog current_date current_role current_schema current_time
	current_time_n current_timestamp current_timestamp_n current_user localtime localtime_n
	localtimestamp localtimestamp_n session_user user`)

// ownReason says of a built-in function in a view what a call in the text
// would have said.
func ownReason(name string) dialect.Reason {
	switch {
	case clock[name], name == "age":
		return dialect.ReasonClock
	case volatile[name], runsText[name]:
		return dialect.ReasonVolatile
	case session[name], sessionCalls[name] != dialect.NoEffect:
		return dialect.ReasonSessionFunc
	}
	return ""
}

// parseName reads what dialect.Table.String has written.
func parseName(s string) dialect.Table {
	if strings.HasPrefix(s, operatorName("")) || strings.HasPrefix(s, typeName("")) {
		return dialect.Table{Name: s}
	}
	var parts []string
	for s != "" {
		if s[0] != '"' {
			part, rest, _ := strings.Cut(s, ".")
			parts, s = append(parts, part), rest
			continue
		}
		var b strings.Builder
		i := 1
		for ; i < len(s); i++ {
			if s[i] == '"' {
				if i+1 >= len(s) || s[i+1] != '"' {
					break
				}
				i++
			}
			b.WriteByte(s[i])
		}
		parts, s = append(parts, b.String()), strings.TrimPrefix(s[min(i+1, len(s)):], ".")
	}
	if len(parts) == 2 {
		return dialect.Table{Schema: parts[0], Name: parts[1]}
	}
	return dialect.Table{Name: strings.Join(parts, ".")}
}
