//go:build unix

package upstream

import (
	"net"
	"syscall"
	"time"
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
	_ = conn.SetReadDeadline(time.Time{}) // the last request's may have passed
	open := false
	err = rc.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		open = err == syscall.EAGAIN || err == syscall.EWOULDBLOCK
		return true // do not wait
	})
	return err != nil || !open
}
