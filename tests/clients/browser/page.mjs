// A trace with an error, sent from a page by the OpenTelemetry SDK for browsers; the page tells its own server what it sent.
import { SpanStatusCode, context, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, WebTracerProvider } from "@opentelemetry/sdk-trace-web";

const query = new URLSearchParams(location.search);
const exporter = new OTLPTraceExporter({
  url: `${query.get("endpoint")}/v1/traces`,
  headers: { "x-page": "a test" },
});
const provider = new WebTracerProvider({
  resource: resourceFromAttributes({ "service.name": "page" }),
  spanProcessors: [new BatchSpanProcessor(exporter)],
});
const tracer = provider.getTracer("page");
const spans = [];
const begin = (name, parent) => {
  const span = tracer.startSpan(name, {}, parent);
  spans.push([span.spanContext().traceId, span.spanContext().spanId]);
  return span;
};

const exported = [];
const send = exporter.export.bind(exporter);
exporter.export = (batch, done) =>
  send(batch, (result) => {
    exported.push(result.code);
    done(result);
  });
const root = begin("load", context.active());
const within = trace.setSpan(context.active(), root);
for (let child = 0; child < Number(query.get("children")); child += 1) {
  begin(`child ${child}`, within).end();
}
root.setStatus({ code: SpanStatusCode.ERROR });
root.end();
await provider.forceFlush().catch(() => {});
const delivered = exported.length > 0 && exported.every((code) => code === 0);
await fetch("/sent", { method: "POST", body: JSON.stringify({ delivered, spans }) });
