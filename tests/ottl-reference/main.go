// Evaluates OTTL conditions with the Collector's own implementation, for tests that compare ours with it.
//
// Reads lines of JSON {"context": "span"|"spanevent", "condition": text, "request": base64 of an ExportTraceServiceRequest},
// and answers each with a line: {"held": bool}, {"error": text, "at": "compile"|"eval"} or {"panic": text}. Conditions are
// evaluated on the first span, or its first event; they are read as the tail sampling processor reads them.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspanevent"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/ottlfuncs"
)

type question struct {
	Context   string `json:"context"`
	Condition string `json:"condition"`
	Request   []byte `json:"request"`
}

type answer struct {
	Held  *bool  `json:"held,omitempty"`
	Error string `json:"error,omitempty"`
	At    string `json:"at,omitempty"`
	Panic string `json:"panic,omitempty"`
}

var settings = componenttest.NewNopTelemetrySettings()

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		written, err := json.Marshal(respond(line))
		if err != nil {
			panic(err)
		}
		_, _ = out.Write(append(written, '\n'))
		_ = out.Flush()
	}
}

func respond(line []byte) (reply answer) {
	defer func() {
		if reason := recover(); reason != nil {
			reply = answer{Panic: fmt.Sprint(reason)}
		}
	}()
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		panic(err)
	}
	traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(asked.Request)
	if err != nil {
		panic(err)
	}
	resource := traces.ResourceSpans().At(0)
	scope := resource.ScopeSpans().At(0)
	span := scope.Spans().At(0)
	if asked.Context == "spanevent" {
		parser, err := ottlspanevent.NewParser(ottlfuncs.StandardConverters[*ottlspanevent.TransformContext](), settings, ottlspanevent.EnablePathContextNames())
		if err != nil {
			panic(err)
		}
		event := ottlspanevent.NewTransformContextPtr(resource, scope, span, span.Events().At(0), ottlspanevent.WithEventIndex(0))
		defer event.Close()
		return evaluate(ottlspanevent.ContextName, parser, asked.Condition, event)
	}
	functions := ottlfuncs.StandardConverters[*ottlspan.TransformContext]()
	isRootSpan := ottlfuncs.NewIsRootSpanFactoryNew()
	functions[isRootSpan.Name()] = isRootSpan
	parser, err := ottlspan.NewParser(functions, settings, ottlspan.EnablePathContextNames())
	if err != nil {
		panic(err)
	}
	subject := ottlspan.NewTransformContextPtr(resource, scope, span)
	defer subject.Close()
	return evaluate(ottlspan.ContextName, parser, asked.Condition, subject)
}

func evaluate[K any](name string, parser ottl.Parser[K], condition string, subject K) answer {
	compiled, err := compile(name, parser, condition, settings)
	if err != nil {
		return answer{Error: err.Error(), At: "compile"}
	}
	held, err := compiled.Eval(context.Background(), subject)
	if err != nil {
		return answer{Error: err.Error(), At: "eval"}
	}
	return answer{Held: &held}
}

// As filterottl.NewBoolExprForSpanWithPathContextNames, which can't be imported: the context is put in front of paths that have none.
func compile[K any](name string, parser ottl.Parser[K], condition string, settings component.TelemetrySettings) (*ottl.Condition[K], error) {
	converter := func(_ *ottl.ParserCollection[*ottl.Condition[K]], _ ottl.ConditionsGetter, parsed []*ottl.Condition[K]) (*ottl.Condition[K], error) {
		return parsed[0], nil
	}
	collection, err := ottl.NewParserCollection(
		settings,
		ottl.WithParserCollectionContext(name, &parser, ottl.WithConditionConverter(converter)),
	)
	if err != nil {
		return nil, err
	}
	return collection.ParseConditionsWithContext(name, ottl.NewConditionsGetter([]string{condition}), true)
}

