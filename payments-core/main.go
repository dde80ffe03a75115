// Command payments-core owns payments: it moves their money through a gateway and tells what came of it.
package main

import "countersign.example/payments-core/internal/app"

func main() { app.Program().Main() }
