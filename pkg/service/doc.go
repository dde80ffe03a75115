// Package service is the frame of every binary of ours: its command line, its configuration,
// the order in which it starts and stops, and its health.
//
// A main is one call:
//
//	func main() {
//		service.Program[app.Config]{
//			Name:     "contractor-ui",
//			Short:    "The contractors' web app",
//			Defaults: app.Config{Config: service.Config{HTTPAddr: ":3000", AdminAddr: "127.0.0.1:3100"}},
//			Migrate:  app.Migrate,
//			Start:    app.Start,
//		}.Main()
//	}
//
// Invariants:
//   - Exit codes: 0 stopped as asked, 1 failed, 2 wrong usage or configuration.
//   - Components start in the order in which they are added and stop in the reverse order,
//     each after the one before it has ended; readiness fails before anything else stops.
//   - When one component fails, all stop, and the error that began it is the one returned.
package service
