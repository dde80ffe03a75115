// Command ordering-core owns orders, the catalog and the customers.
package main

import "countersign.example/ordering-core/internal/app"

func main() { app.Program().Main() }
