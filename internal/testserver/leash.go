package testserver

import "os"

// leash is a shell script that runs a server for as long as its standard
// input is open, then stops it and removes its folder. The other end of the
// input is held by the test process and by nothing else, so that the server
// goes whichever way that process does: at the end of its tests, by a panic,
// by the timeout of go test, by SIGKILL. No test needs a TestMain for it.
//
// Arguments: the signal that stops the server, the folder ("" for none), then
// the command.
//
// The server's input is not the leash, and a server that ends by itself ends
// the leash too. INT is what servers take as "now, but properly"; it is
// repeated because a shell that is still preparing the server ignores it.
const leash = `
signal=$1
folder=$2
shift 2
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{
	while read -r _; do :; done <&3
	while kill "-$signal" "$server"; do sleep 0.1; done
} 2>/dev/null &
watch=$!
wait "$server"
kill "$watch" 2>/dev/null
rm -rf "$folder"
`

// keep is a leash without a server: a folder stays for as long as the input is
// open. Until, for a server that is just being killed may add a file.
const keep = `
while read -r _; do :; done
until rm -rf "$1"; do sleep 0.1; done
`

// leashed is a server on a leash.
type leashed struct {
	ended chan struct{} // closed when it has ended
	let   func()        // closes its input
	log   *os.File      // stays readable when removed
}

// lastWords ends the server and returns the end of its log.
func (l *leashed) lastWords() string {
	l.let()
	<-l.ended
	return tail(l.log)
}
