"""Sends one trace with an error through the OpenTelemetry SDK, and prints the ids of its spans as JSON.

python send.py grpc|http/protobuf ENDPOINT CHILDREN
"""

import json
import sys

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode

protocol, endpoint, children = sys.argv[1], sys.argv[2], int(sys.argv[3])
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=True)
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint=endpoint + "/v1/traces")

provider = TracerProvider(resource=Resource.create({"service.name": "python-client"}))
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("client")
spans = []


def note(span):
    context = span.get_span_context()
    spans.append([format(context.trace_id, "032x"), format(context.span_id, "016x")])


with tracer.start_as_current_span("root") as root:
    note(root)
    for number in range(children):
        with tracer.start_as_current_span(f"child {number}", attributes={"number": number}) as span:
            note(span)
    root.record_exception(ValueError("on purpose"))
    root.set_status(Status(StatusCode.ERROR, "on purpose"))
provider.shutdown()
print(json.dumps(spans))
