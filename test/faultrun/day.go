package main

import (
	"context"
	"errors"
	"math/rand/v2"

	"countersign.example/test/faultrun/fault"
	"countersign.example/test/testsystem"
)

// gatewayFaults are those of the gateway that no amount chooses: a day passes by its clock and by the core's,
// after which it knows no key any more that it has answered. Whatever asks it stops first, and nothing is on
// its way to it, as after a day.
func (s *system) gatewayFaults() []fault.Fault {
	const link = testsystem.Core + " to " + testsystem.Gateway
	day := fault.Fault{Kind: "gateway forgets its keys", Part: link, Also: []string{"postgres"}}
	var asking []*process
	for _, p := range s.processes {
		if p.service == testsystem.Core && p.role == "consumer" {
			asking, day.Also = append(asking, p), append(day.Also, p.name)
		}
	}
	day.Break = func(ctx context.Context, _ *rand.Rand) (func(context.Context) error, error) {
		for _, p := range asking {
			p.Kill()
		}
		s.parts.network.Cut(link)
		err := execute(ctx, s.Database[testsystem.Core], "update operations set opened_at = opened_at - interval '25 hours' where state = 'open'")
		if err == nil {
			err = execute(ctx, s.Database[testsystem.Gateway], "update requests set answered_at = answered_at - interval '25 hours' where answered_at > now() - interval '24 hours'")
		}
		return func(context.Context) error {
			var errs []error
			for _, p := range asking {
				errs = append(errs, p.Start())
			}
			return errors.Join(errs...)
		}, err
	}
	return []fault.Fault{day}
}
