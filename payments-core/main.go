// Command payments-core owns payments: it moves their money through a gateway, and reports the outcome.
package main

import "countersign.example/payments-core/internal/app"

func main() { app.Program().Main() }
