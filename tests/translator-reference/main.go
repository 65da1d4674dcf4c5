// Translates foreign spans with the Collector's own translators, for tests that compare ours with them.
//
// Reads lines of JSON {"format": "jaeger_proto"|"jaeger_json"|"zipkin_proto"|"zipkin_json", "record": base64}, as the Collector's
// Kafka receiver would take the record, and answers each with a line: {"request": base64 of an ExportTraceServiceRequest},
// {"error": text} or {"panic": text}. The format "to_zipkin_json" is the way back: an ExportTraceServiceRequest as record, the body of
// the Zipkin exporter's request as answer.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/gogo/protobuf/jsonpb"
	jaegermodel "github.com/jaegertracing/jaeger-idl/model/v1"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/jaeger"
	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/zipkin/zipkinv2"
)

type question struct {
	Format string `json:"format"`
	Record []byte `json:"record"`
}

type answer struct {
	Request []byte `json:"request"`
	Error   string `json:"error,omitempty"`
	Panic   string `json:"panic,omitempty"`
}

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
	if asked.Format == "to_zipkin_json" {
		written, err := toZipkin(asked.Record)
		if err != nil {
			return answer{Error: err.Error()}
		}
		return answer{Request: written}
	}
	traces, err := translate(asked.Format, asked.Record)
	if err != nil {
		return answer{Error: err.Error()}
	}
	request, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Request: request}
}

// The receiver's own unmarshalers of Jaeger's spans are internal to it: these are the same few lines
// (receiver/kafkareceiver/internal/unmarshaler/jaeger_unmarshaler.go).
func translate(format string, record []byte) (ptrace.Traces, error) {
	switch format {
	case "jaeger_proto":
		span := &jaegermodel.Span{}
		if err := span.Unmarshal(record); err != nil {
			return ptrace.NewTraces(), err
		}
		return fromJaeger(span)
	case "jaeger_json":
		span := &jaegermodel.Span{}
		if err := jsonpb.Unmarshal(bytes.NewReader(record), span); err != nil {
			return ptrace.NewTraces(), err
		}
		return fromJaeger(span)
	case "zipkin_proto":
		return zipkinv2.NewProtobufTracesUnmarshaler(false, false).UnmarshalTraces(record)
	case "zipkin_json":
		return zipkinv2.NewJSONTracesUnmarshaler(false).UnmarshalTraces(record)
	}
	return ptrace.NewTraces(), fmt.Errorf("no format %q", format)
}

func fromJaeger(span *jaegermodel.Span) (ptrace.Traces, error) {
	batch := jaegermodel.Batch{Spans: []*jaegermodel.Span{span}, Process: span.Process}
	return jaeger.ProtoToTraces([]*jaegermodel.Batch{&batch})
}

// With the older names of addresses read, and the newer ones of scopes written too, as we do; the other direction has the defaults.
func toZipkin(request []byte) ([]byte, error) {
	gates := map[string]bool{
		"pkg.translator.zipkin.DontEmitV0NetworkConventions": false,
		"pkg.translator.zipkin.EmitV1ScopeConventions":       true,
	}
	for gate, enabled := range gates {
		if err := featuregate.GlobalRegistry().Set(gate, enabled); err != nil {
			return nil, err
		}
		defer featuregate.GlobalRegistry().Set(gate, !enabled)
	}
	traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(request)
	if err != nil {
		return nil, err
	}
	spans, err := zipkinv2.FromTranslator{}.FromTraces(traces)
	if err != nil {
		return nil, err
	}
	return json.Marshal(spans)
}
