//go:build !linux

package tcp

import "syscall"

// control has nothing to set: keepalives have to do.
func control(string, string, syscall.RawConn) error { return nil }
