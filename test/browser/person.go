package browser

import _ "embed"

//go:embed person.js
var person string
