package flow

import "time"

// Forget has the next look ask again.
func Forget(w *Watch) { w.at = time.Time{} }
