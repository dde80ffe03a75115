// Package operator is the commands with which an operator looks after a service: dead letters, adoption and
// skipping of events after a restore, accepted losses, and rebuilding copies. They parse arguments and print;
// what they do is in the packages journal, inbox and kafka.
//
// The functions open a service's parts when the command runs. What they return as func() is called at the
// end.
package operator
