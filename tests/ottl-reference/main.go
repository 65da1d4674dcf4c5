// Evaluates OTTL conditions, and executes statements with the functions of its transform processor, with the Collector's own implementation, for tests that compare ours with it.
//
// Reads lines of JSON {"context": "span"|"spanevent"|"log"|"metric"|"datapoint", "condition": text, "request": base64 of an export request of
// the context's signal}, and answers each with a line: {"held": bool}, {"error": text, "at": "compile"|"eval"} or {"panic": text}. Conditions
// are evaluated on the first item, or its first event or data point; they are read as the tail sampling processor reads them.
// With "statement" in place of "condition" the answer is {"changed": base64 of the request}.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottldatapoint"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottllog"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlmetric"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspan"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/contexts/ottlspanevent"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/ottl/ottlfuncs"
	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
)

type question struct {
	Context   string `json:"context"`
	Condition string `json:"condition"`
	Statement string `json:"statement"`
	Request   []byte `json:"request"`
}

type answer struct {
	Held    *bool  `json:"held,omitempty"`
	Changed []byte `json:"changed,omitempty"`
	Error   string `json:"error,omitempty"`
	At      string `json:"at,omitempty"`
	Panic   string `json:"panic,omitempty"`
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
	switch asked.Context {
	case "log":
		logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(asked.Request)
		must(err)
		resource := logs.ResourceLogs().At(0)
		scope := resource.ScopeLogs().At(0)
		subject := ottllog.NewTransformContextPtr(resource, scope, scope.LogRecords().At(0))
		defer subject.Close()
		parser, err := ottllog.NewParser(functions(asked, transformprocessor.DefaultLogFunctions()), settings, ottllog.EnablePathContextNames())
		must(err)
		return ask(ottllog.ContextName, parser, asked, subject, func() ([]byte, error) {
			return (&plog.ProtoMarshaler{}).MarshalLogs(logs)
		})
	case "metric", "datapoint":
		metrics, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(asked.Request)
		must(err)
		changed := func() ([]byte, error) { return (&pmetric.ProtoMarshaler{}).MarshalMetrics(metrics) }
		resource := metrics.ResourceMetrics().At(0)
		scope := resource.ScopeMetrics().At(0)
		metric := scope.Metrics().At(0)
		if asked.Context == "metric" {
			subject := ottlmetric.NewTransformContextPtr(resource, scope, metric)
			defer subject.Close()
			parser, err := ottlmetric.NewParser(functions(asked, transformprocessor.DefaultMetricFunctions()), settings, ottlmetric.EnablePathContextNames())
			must(err)
			return ask(ottlmetric.ContextName, parser, asked, subject, changed)
		}
		subject := ottldatapoint.NewTransformContextPtr(resource, scope, metric, firstPoint(metric))
		defer subject.Close()
		parser, err := ottldatapoint.NewParser(functions(asked, transformprocessor.DefaultDataPointFunctions()), settings, ottldatapoint.EnablePathContextNames())
		must(err)
		return ask(ottldatapoint.ContextName, parser, asked, subject, changed)
	}
	traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(asked.Request)
	must(err)
	changed := func() ([]byte, error) { return (&ptrace.ProtoMarshaler{}).MarshalTraces(traces) }
	resource := traces.ResourceSpans().At(0)
	scope := resource.ScopeSpans().At(0)
	span := scope.Spans().At(0)
	if asked.Context == "spanevent" {
		subject := ottlspanevent.NewTransformContextPtr(resource, scope, span, span.Events().At(0), ottlspanevent.WithEventIndex(0))
		defer subject.Close()
		parser, err := ottlspanevent.NewParser(functions(asked, transformprocessor.DefaultSpanEventFunctions()), settings, ottlspanevent.EnablePathContextNames())
		must(err)
		return ask(ottlspanevent.ContextName, parser, asked, subject, changed)
	}
	subject := ottlspan.NewTransformContextPtr(resource, scope, span)
	defer subject.Close()
	known := functions(asked, transformprocessor.DefaultSpanFunctions())
	isRootSpan := ottlfuncs.NewIsRootSpanFactoryNew()
	known[isRootSpan.Name()] = isRootSpan
	parser, err := ottlspan.NewParser(known, settings, ottlspan.EnablePathContextNames())
	must(err)
	return ask(ottlspan.ContextName, parser, asked, subject, changed)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func firstPoint(metric pmetric.Metric) any {
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		return metric.Gauge().DataPoints().At(0)
	case pmetric.MetricTypeSum:
		return metric.Sum().DataPoints().At(0)
	case pmetric.MetricTypeHistogram:
		return metric.Histogram().DataPoints().At(0)
	case pmetric.MetricTypeExponentialHistogram:
		return metric.ExponentialHistogram().DataPoints().At(0)
	case pmetric.MetricTypeSummary:
		return metric.Summary().DataPoints().At(0)
	}
	panic("a metric without data")
}

// A statement has the functions of the transform processor: it has some of its own, such as set_semconv_span_name.
func functions[K any](asked question, processors []ottl.Factory[K]) map[string]ottl.Factory[K] {
	if asked.Statement == "" {
		return ottlfuncs.StandardConverters[K]()
	}
	known := map[string]ottl.Factory[K]{}
	for _, function := range processors {
		known[function.Name()] = function
	}
	return known
}

// Executes the statement, as the transform processor does in a group with a context, or evaluates the condition.
func ask[K any](name string, parser ottl.Parser[K], asked question, subject K, changed func() ([]byte, error)) answer {
	if asked.Statement == "" {
		return evaluate(name, parser, asked.Condition, subject)
	}
	reply := execute(name, parser, asked.Statement, subject)
	if reply.Error == "" {
		bytes, err := changed()
		must(err)
		reply.Changed = bytes
	}
	return reply
}

func execute[K any](name string, parser ottl.Parser[K], statement string, subject K) answer {
	converter := func(_ *ottl.ParserCollection[*ottl.Statement[K]], _ ottl.StatementsGetter, parsed []*ottl.Statement[K]) (*ottl.Statement[K], error) {
		return parsed[0], nil
	}
	collection, err := ottl.NewParserCollection(
		settings,
		ottl.WithParserCollectionContext(name, &parser, ottl.WithStatementConverter(converter)),
	)
	if err != nil {
		panic(err)
	}
	compiled, err := collection.ParseStatementsWithContext(name, ottl.NewStatementsGetter([]string{statement}), true)
	if err != nil {
		return answer{Error: err.Error(), At: "compile"}
	}
	if _, _, err := compiled.Execute(context.Background(), subject); err != nil {
		return answer{Error: err.Error(), At: "eval"}
	}
	return answer{}
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
