package integration

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"
	"testing"
)

// readReply appends one value of the Redis protocol, version 2 or 3, to buf.
func readReply(r *bufio.Reader, buf []byte) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	buf = append(buf, line...)
	n, err := strconv.Atoi(string(bytes.TrimSpace(line[1:])))
	if err != nil {
		n = 0 // no length
	}
	switch line[0] {
	case '$', '=', '!':
		if n < 0 {
			return buf, nil
		}
		body := make([]byte, n+2)
		_, err := io.ReadFull(r, body)
		return append(buf, body...), err
	case '*', '~', '>':
	case '%':
		n *= 2
	case '|': // describes the value that follows
		n = 2*n + 1
	default:
		n = 0
	}
	for range n {
		if buf, err = readReply(r, buf); err != nil {
			return nil, err
		}
	}
	return buf, nil
}

func isHint(reply []byte) bool {
	_, kind, _ := bytes.Cut(reply, []byte("\r\n"))
	return len(reply) > 0 && (reply[0] == '>' || reply[0] == '*') &&
		(bytes.HasPrefix(kind, []byte("$7\r\nmessage\r\n")) || bytes.HasPrefix(kind, []byte("$8\r\nsmessage\r\n")))
}

func TestReadReply(t *testing.T) {
	replies := []string{
		"+OK\r\n", "$3\r\na\r\n\r\n", "$-1\r\n", "*-1\r\n", "_\r\n", ":5\r\n", "#t\r\n", ",1.5\r\n",
		"*2\r\n$1\r\na\r\n*1\r\n:1\r\n", "%1\r\n+a\r\n*0\r\n", "|1\r\n+a\r\n:1\r\n+b\r\n",
		">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\n\x00x\r\n",
	}
	r := bufio.NewReader(strings.NewReader(strings.Join(replies, "")))
	for i, want := range replies {
		got, err := readReply(r, nil)
		if err != nil || string(got) != want {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
		if isHint(got) != (i == len(replies)-1) {
			t.Errorf("%q: isHint is wrong", got)
		}
	}
}
