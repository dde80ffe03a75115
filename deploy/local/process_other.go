//go:build !linux

package main

import "syscall"

// Other systems have no such thing; an orderly end of the launcher stops its children there too.
func dieWithParent(*syscall.SysProcAttr) {}
