package main

import "syscall"

// dieWithParent makes the kernel end the child when the launcher has gone, even by kill -9. It sends SIGTERM,
// so that the child still stops in order.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGTERM }
