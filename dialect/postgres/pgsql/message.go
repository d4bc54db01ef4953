package pgsql

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A message is a node of the tree.
type message = protoreflect.Message

func field(m message, name string) (v protoreflect.Value, ok bool) {
	fd := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	if fd == nil || !m.Has(fd) {
		return protoreflect.Value{}, false
	}
	return m.Get(fd), true
}

func str(m message, name string) string {
	if v, ok := field(m, name); ok {
		return v.String()
	}
	return ""
}

func flag(m message, name string) bool {
	v, ok := field(m, name)
	return ok && v.Bool()
}

// child returns a message in a field, nil if it is not set.
func child(m message, name string) message {
	if v, ok := field(m, name); ok {
		return v.Message()
	}
	return nil
}

// enum returns the name of a field's value; "" if there is no such field.
func enum(m message, name string) string {
	fd := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	if fd == nil || fd.Enum() == nil {
		return ""
	}
	value := fd.Enum().Values().ByNumber(m.Get(fd).Enum())
	if value == nil {
		return ""
	}
	return string(value.Name())
}

// list returns the messages of a repeated field.
func list(m message, name string) (out []message) {
	v, ok := field(m, name)
	if !ok {
		return nil
	}
	l := v.List()
	for i := range l.Len() {
		out = append(out, unwrap(l.Get(i).Message()))
	}
	return out
}

// unwrap returns what a Node holds, nil if nothing.
func unwrap(m message) message {
	if m == nil || m.Descriptor().Name() != "Node" {
		return m
	}
	var inner message
	m.Range(func(_ protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		inner = v.Message()
		return false
	})
	return inner
}

func kindOf(m message) string { return string(m.Descriptor().Name()) }

// names returns the String nodes of a list: a qualified name.
func names(nodes []message) (out []string) {
	for _, n := range nodes {
		if n != nil && kindOf(n) == "String" {
			out = append(out, str(n, "sval"))
		}
	}
	return out
}

// each visits the messages in all fields.
func each(m message, visit func(message)) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Kind() != protoreflect.MessageKind:
		case fd.IsList():
			for i := range v.List().Len() {
				visit(unwrap(v.List().Get(i).Message()))
			}
		default:
			visit(unwrap(v.Message()))
		}
		return true
	})
}

// enabled reports whether an option in brackets is on.
func enabled(m message, option string) bool {
	on := false
	for _, o := range list(m, "options") {
		if str(o, "defname") != option {
			continue
		}
		on = true
		arg := unwrap(child(o, "arg"))
		if arg == nil {
			continue
		}
		switch kindOf(arg) {
		case "Integer":
			v, ok := field(arg, "ival")
			on = ok && v.Int() != 0
		default:
			switch strings.ToLower(str(arg, "sval")) {
			case "false", "off", "0":
				on = false
			}
		}
	}
	return on
}
