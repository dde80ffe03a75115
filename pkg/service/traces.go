package service

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
)

// TraceConfig is what OpenTelemetry reads from the environment by itself (see tracing.Start), as far as
// people usually set it; here it is checked and listed.
type TraceConfig struct {
	TracesTo       string `env:"OTEL_EXPORTER_OTLP_ENDPOINT" desc:"a collector that takes traces by OTLP over HTTP, such as http://localhost:4318; without it there are none"`
	TracesBy       string `env:"OTEL_EXPORTER_OTLP_PROTOCOL" envDefault:"http/protobuf" desc:"http/protobuf alone"`
	TracesSampler  string `env:"OTEL_TRACES_SAMPLER" envDefault:"parentbased_always_on" desc:"which traces are recorded, such as parentbased_traceidratio"`
	TracesSampling string `env:"OTEL_TRACES_SAMPLER_ARG" desc:"with a sampler by ratio: the share of the traces, from 0 to 1, such as 0.1"`
}

// otlpEndpoint is the variable that switches traces on.
const otlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"

var samplers = []string{"", "always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"}

func (c *TraceConfig) check() error {
	var errs []error
	if u, err := url.Parse(c.TracesTo); c.TracesTo != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, fmt.Errorf("%s is %q: use http://host:port", otlpEndpoint, c.TracesTo))
	}
	if c.TracesBy != "" && c.TracesBy != "http/protobuf" {
		errs = append(errs, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q: use http/protobuf, and the port where the collector speaks that, mostly 4318", c.TracesBy))
	}
	if !slices.Contains(samplers, c.TracesSampler) {
		errs = append(errs, fmt.Errorf("OTEL_TRACES_SAMPLER is %q: use one of %q", c.TracesSampler, samplers[1:]))
	}
	if share, err := strconv.ParseFloat(c.TracesSampling, 64); c.TracesSampling != "" && (err != nil || !(share >= 0 && share <= 1)) {
		errs = append(errs, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG is %q: use a share from 0 to 1, such as 0.1", c.TracesSampling))
	}
	return errors.Join(errs...)
}
