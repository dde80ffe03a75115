package main

import "syscall"

// dieWithParent has the kernel end the child when the launcher is gone, even by kill -9. It is SIGTERM,
// so that the child still stops in order.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGTERM }
