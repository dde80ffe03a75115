// Command manager-ui is the managers' web app: they see what waits, accept or reject it, and capture or
// release what is on hold.
package main

import "countersign.example/manager-ui/internal/app"

func main() { app.Program().Main() }
