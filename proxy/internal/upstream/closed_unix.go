//go:build unix

package upstream

import (
	"net"
	"syscall"
)

// closed reports whether the other side has closed an unused connection, or sent something that nobody asked for.
func closed(conn net.Conn) bool {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	rc, err := raw.SyscallConn()
	if err != nil {
		return true
	}
	open := false
	err = rc.Control(func(fd uintptr) { // Read would fail where the last request's deadline has passed
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		open = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
	})
	return err != nil || !open
}
