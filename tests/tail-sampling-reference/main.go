// The Collector's own tail_sampling processor over a corpus, for comparison: which traces does each configuration keep?
//
// Usage: tail-sampling-reference CASES REQUESTS. CASES is a JSON list of processor configurations; REQUESTS holds OTLP trace requests in
// protobuf, each behind its length (four bytes, big-endian). Writes a line of JSON for each case: {"kept": [trace ids in hex]} or {"error": "…"}.
//
// Every trace is decided when the processor shuts down, with all of its spans and without waiting. Deliberately absent: anything about time.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
)

type result struct {
	Kept  []string `json:"kept"`
	Error string   `json:"error,omitempty"`
}

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: %s CASES REQUESTS", os.Args[0]))
	}
	var cases []map[string]any
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = json.Unmarshal(text, &cases)
	}
	if err != nil {
		fail(err)
	}
	requests, err := readRequests(os.Args[2])
	if err != nil {
		fail(err)
	}
	out := json.NewEncoder(os.Stdout)
	for _, config := range cases {
		kept, err := decide(config, requests)
		result := result{Kept: kept}
		if err != nil {
			result.Error = err.Error()
		}
		if err := out.Encode(result); err != nil {
			fail(err)
		}
	}
}

func readRequests(path string) ([]ptrace.Traces, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var requests []ptrace.Traces
	for len(data) > 0 {
		if len(data) < 4 || len(data)-4 < int(binary.BigEndian.Uint32(data)) {
			return nil, fmt.Errorf("%s is truncated", path)
		}
		end := 4 + int(binary.BigEndian.Uint32(data))
		request, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(data[4:end])
		if err != nil {
			return nil, err
		}
		requests = append(requests, request)
		data = data[end:]
	}
	return requests, nil
}

// The ids of the traces that the processor lets pass, sorted.
func decide(config map[string]any, requests []ptrace.Traces) ([]string, error) {
	ctx := context.Background()
	factory := tailsamplingprocessor.NewFactory()
	cfg := factory.CreateDefaultConfig().(*tailsamplingprocessor.Config)
	cfg.NumTraces = 10_000_000
	if err := confmap.NewFromStringMap(config).Unmarshal(cfg); err != nil {
		return nil, err
	}
	sink := new(consumertest.TracesSink)
	processor, err := factory.CreateTraces(ctx, processortest.NewNopSettings(factory.Type()), cfg, sink)
	if err != nil {
		return nil, err
	}
	if err := processor.Start(ctx, componenttest.NewNopHost()); err != nil {
		return nil, err
	}
	for _, request := range requests {
		if err := processor.ConsumeTraces(ctx, request); err != nil {
			return nil, err
		}
	}
	if err := processor.Shutdown(ctx); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	kept := []string{}
	for _, traces := range sink.AllTraces() {
		for _, resource := range traces.ResourceSpans().All() {
			for _, scope := range resource.ScopeSpans().All() {
				for _, span := range scope.Spans().All() {
					if id := span.TraceID().String(); !seen[id] {
						seen[id] = true
						kept = append(kept, id)
					}
				}
			}
		}
	}
	slices.Sort(kept)
	return kept, nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
