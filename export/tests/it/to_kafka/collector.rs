//! The Collector's Kafka receiver reads what is written here, in both formats.

use std::time::Duration;

use schemas::Signal;
use serde_json::json;
use tests::collector::{self, Collector};
use tests::kafka::{Broker, create_topic, unique};
use tests::sink::Sink;
use tests::wait_until;

use crate::support::telemetry::{one_log, one_metric, spans};
use crate::support::{QUICK, Running, all_committed, open_bus, publish};

const ARRIVED_WITHIN: Duration = Duration::from_secs(60);

#[test]
fn the_collector_reads_it() {
    let (Ok(binary), Ok(broker)) = (collector::binary(), Broker::shared()) else {
        return;
    };
    let (brokers, prefix) = (broker.brokers(), unique("to-collector"));
    let dir = tempfile::tempdir().unwrap();
    let bus = open_bus(dir.path());
    let line = |format: &str| {
        format!(
            "{{name: to-collector-{format}, kafka: {{brokers: ['{brokers}'], topic: '{prefix}.{format}.{{signal}}', format: {format}}}, {QUICK}}}"
        )
    };
    let formats = ["otlp_proto", "otlp_json"];
    for format in formats {
        for signal in Signal::ALL {
            let topic = format!("{prefix}.{format}.{}", signal.name());
            create_topic(brokers, &topic, 2, &[]).unwrap();
        }
    }
    publish(
        &*bus,
        Signal::Traces,
        0,
        (0..20).map(|record| spans(5 * record..5 * record + 5, 10)),
    );
    publish(
        &*bus,
        Signal::Logs,
        0,
        (0..7).map(|number| one_log(&format!("log {number}"))),
    );
    publish(
        &*bus,
        Signal::Metrics,
        0,
        (0..5).map(|number| one_metric(&format!("m{number}"))),
    );
    let running = Running::start(&bus, &formats.map(line));
    for format in formats {
        for signal in Signal::ALL {
            all_committed(&*bus, &format!("to-collector-{format}"), signal);
        }
    }
    running.stop();
    for format in formats {
        let sink = Sink::start();
        let of = |signal: Signal| json!({"topics": [format!("{prefix}.{format}.{}", signal.name())], "encoding": format});
        let pipeline = json!({"receivers": ["kafka"], "exporters": ["otlphttp"]});
        let config = json!({
            "receivers": {"kafka": {
                "brokers": [brokers],
                "group_id": format!("{prefix}-{format}"),
                "initial_offset": "earliest",
                "traces": of(Signal::Traces), "logs": of(Signal::Logs), "metrics": of(Signal::Metrics),
            }},
            "exporters": {"otlphttp": {"endpoint": sink.endpoint()}},
            "service": {
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {"traces": pipeline, "logs": pipeline, "metrics": pipeline},
            },
        });
        let folder = tempfile::tempdir().unwrap();
        let _collector = Collector::start(&binary, folder.path(), &config);
        wait_until("the Collector to read everything", ARRIVED_WITHIN, || {
            let taken = sink.taken();
            Signal::ALL.map(|signal| taken.count(signal)) == [100, 7, 5]
        });
    }
}
