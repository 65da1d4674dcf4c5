// Sends one trace with an error through the OpenTelemetry SDK, and prints the ids of its spans as JSON.
//
// node send.mjs grpc|http/protobuf|http/json ENDPOINT CHILDREN

import { SpanStatusCode, context, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

const [protocol, endpoint, children] = process.argv.slice(2);
const name = { grpc: 'grpc', 'http/protobuf': 'proto', 'http/json': 'http' }[protocol];
const { OTLPTraceExporter } = await import(`@opentelemetry/exporter-trace-otlp-${name}`);
const url = protocol === 'grpc' ? endpoint : `${endpoint}/v1/traces`;

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'node-client' }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
});
const tracer = provider.getTracer('client');
const spans = [];
const note = (span) => {
  const { traceId, spanId } = span.spanContext();
  spans.push([traceId, spanId]);
};

const root = tracer.startSpan('root');
note(root);
const within = trace.setSpan(context.active(), root);
for (let number = 0; number < Number(children); number += 1) {
  const span = tracer.startSpan(`child ${number}`, { attributes: { number } }, within);
  note(span);
  span.end();
}
root.recordException(new Error('on purpose'));
root.setStatus({ code: SpanStatusCode.ERROR, message: 'on purpose' });
root.end();
await provider.shutdown();
console.log(JSON.stringify(spans));
