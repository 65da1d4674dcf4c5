// Sends one trace with an error through the OpenTelemetry SDK, and prints the ids of its spans as JSON.
//
// send grpc|http/protobuf ENDPOINT CHILDREN
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	ctx := context.Background()
	protocol, endpoint := os.Args[1], os.Args[2]
	children, err := strconv.Atoi(os.Args[3])
	check(err)
	var exporter *otlptrace.Exporter
	if protocol == "grpc" {
		exporter, err = otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(endpoint))
	} else {
		exporter, err = otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint+"/v1/traces"))
	}
	check(err)
	service := resource.NewSchemaless(attribute.String("service.name", "go-client"))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(service))
	tracer := provider.Tracer("client")

	var spans [][2]string
	note := func(span trace.Span) {
		ids := span.SpanContext()
		spans = append(spans, [2]string{ids.TraceID().String(), ids.SpanID().String()})
	}
	within, root := tracer.Start(ctx, "root")
	note(root)
	for number := range children {
		_, span := tracer.Start(within, fmt.Sprintf("child %d", number), trace.WithAttributes(attribute.Int("number", number)))
		note(span)
		span.End()
	}
	root.RecordError(errors.New("on purpose"))
	root.SetStatus(codes.Error, "on purpose")
	root.End()
	check(provider.Shutdown(ctx))
	check(json.NewEncoder(os.Stdout).Encode(spans))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
