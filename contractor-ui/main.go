// Command contractor-ui is the web app in which contractors order and ask to be paid.
package main

import "countersign.example/contractor-ui/internal/app"

func main() { app.Program().Main() }
