// Sends one trace with an error through the OpenTelemetry SDK, and prints the ids of its spans as JSON.
//
// java -cp 'libs/*' Send.java grpc|http/protobuf ENDPOINT CHILDREN

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

class Send {
    private static final List<String> SPANS = new ArrayList<>();

    public static void main(String[] arguments) {
        String endpoint = arguments[1];
        SpanExporter exporter = arguments[0].equals("grpc")
            ? OtlpGrpcSpanExporter.builder().setEndpoint(endpoint).build()
            : OtlpHttpSpanExporter.builder().setEndpoint(endpoint + "/v1/traces").build();
        Attributes service = Attributes.of(AttributeKey.stringKey("service.name"), "java-client");
        SdkTracerProvider provider = SdkTracerProvider.builder()
            .setResource(Resource.getDefault().merge(Resource.create(service)))
            .addSpanProcessor(BatchSpanProcessor.builder(exporter).build())
            .build();
        Tracer tracer = provider.get("client");

        Span root = note(tracer.spanBuilder("root").startSpan());
        Context within = Context.root().with(root);
        for (int number = 0; number < Integer.parseInt(arguments[2]); number++) {
            note(tracer.spanBuilder("child " + number).setParent(within).setAttribute("number", number).startSpan()).end();
        }
        root.recordException(new IllegalStateException("on purpose"));
        root.setStatus(StatusCode.ERROR, "on purpose");
        root.end();
        provider.shutdown().join(30, TimeUnit.SECONDS);
        System.out.println(SPANS);
    }

    private static Span note(Span span) {
        SPANS.add("[\"" + span.getSpanContext().getTraceId() + "\",\"" + span.getSpanContext().getSpanId() + "\"]");
        return span;
    }
}
