//! Steps on metrics and their data points.

use schemas::Signal;
use serde_json::{Value, json};

use super::{applied, attribute, check};

fn point(value: i64, attributes: &[Value]) -> Value {
    json!({"asInt": value.to_string(), "timeUnixNano": "5", "attributes": attributes})
}

fn gauge(name: &str, points: &[Value]) -> Value {
    json!({"name": name, "gauge": {"dataPoints": points}})
}

fn metrics(attributes: &[Value], metrics: &[Value]) -> Value {
    json!({"resourceMetrics": [{
        "resource": {"attributes": attributes},
        "scopeMetrics": [{"scope": {"name": "s"}, "metrics": metrics}],
    }]})
}

/// The examples of the Collector's transform processor, each for what it is said to do.
#[test]
fn metrics_and_points_are_transformed() {
    let yaml = r#"
steps:
  - transform:
      metric_statements:
        - context: metric
          statements:
            - 'set(description, "Sum") where type == METRIC_DATA_TYPE_SUM'
            - 'convert_sum_to_gauge() where name == "system.processes.count"'
            - 'convert_gauge_to_sum("cumulative", false) where name == "prometheus_metric"'
            - 'scale_metric(10.0, "kWh") where name == "my_metric"'
        - 'set(datapoint.attributes["host"], metric.name) where datapoint.value_int > 5'
        - 'set(resource.attributes["seen"], "yes")'
"#;
    let sum = |name: &str, points: &[Value]| json!({"name": name, "sum": {"dataPoints": points, "aggregationTemporality": 2, "isMonotonic": true}});
    let request = metrics(
        &[],
        &[
            sum("system.processes.count", &[point(1, &[]), point(9, &[])]),
            gauge("prometheus_metric", &[point(2, &[])]),
            gauge("my_metric", &[point(3, &[])]),
            gauge("other", &[point(4, &[])]),
        ],
    );
    let (mut count, mut prometheus, mut scaled) = (
        gauge(
            "system.processes.count",
            &[
                point(1, &[]),
                point(9, &[attribute("host", "system.processes.count")]),
            ],
        ),
        sum("prometheus_metric", &[point(2, &[])]),
        gauge("my_metric", &[point(30, &[attribute("host", "my_metric")])]),
    );
    count["description"] = json!("Sum");
    prometheus["sum"]["isMonotonic"] = json!(false);
    scaled["unit"] = json!("kWh");
    let other = gauge("other", &[point(4, &[])]);
    let expected = metrics(
        &[attribute("seen", "yes")],
        &[count, prometheus, scaled, other],
    );
    check(yaml, Signal::Metrics, &request, &expected);
}

/// A metric of which no data point is left goes; both forms say the same.
#[test]
fn metrics_and_points_are_taken_out() {
    let debug = [attribute("level", "debug")];
    let request = metrics(
        &[],
        &[
            gauge("go.gc", &[point(1, &[])]),
            gauge("mixed", &[point(1, &debug), point(2, &[])]),
            gauge("all", &[point(1, &debug)]),
            gauge("kept", &[point(1, &[])]),
        ],
    );
    let expected = metrics(
        &[],
        &[
            gauge("mixed", &[point(2, &[])]),
            gauge("kept", &[point(1, &[])]),
        ],
    );
    let newer = r#"
steps:
  - filter:
      metric_conditions:
        - 'IsMatch(metric.name, "^go\\.")'
        - 'datapoint.attributes["level"] == "debug"'
"#;
    // One group is of one context: that of the data point, which sees the metric as well.
    check(newer, Signal::Metrics, &request, &expected);
    let older = r#"
steps:
  - filter:
      metrics:
        metric: ['IsMatch(name, "^go\\.")']
        datapoint: ['attributes["level"] == "debug"']
"#;
    check(older, Signal::Metrics, &request, &expected);
    assert_eq!(applied(older, Signal::Metrics, &request).dropped, 2);
    let by_point = r#"steps: [{filter: {metrics: {metric: ['HasAttrOnDatapoint("level", "debug")', 'HasAttrKeyOnDatapoint("x")', 'name == "go.gc"']}}}]"#;
    check(
        by_point,
        Signal::Metrics,
        &request,
        &metrics(&[], &[gauge("kept", &[point(1, &[])])]),
    );
}

#[test]
fn actions_are_on_data_points() {
    let yaml = r#"
steps:
  - attributes:
      actions:
        - {key: env, value: prod, action: insert}
        - {key: size, converted_type: int, action: convert}
        - {pattern: '^tmp', action: delete}
"#;
    let before = [attribute("size", "12"), attribute("tmp.x", "1")];
    let after = [
        json!({"key": "size", "value": {"intValue": "12"}}),
        attribute("env", "prod"),
    ];
    check(
        yaml,
        Signal::Metrics,
        &metrics(&[], &[gauge("m", &[point(1, &before)])]),
        &metrics(&[], &[gauge("m", &[point(1, &after)])]),
    );
}

/// What a step takes out isn't seen by the next one, and what one wrote is.
#[test]
fn steps_see_what_is_left_of_the_points() {
    let yaml = r#"
steps:
  - filter: {metrics: {datapoint: ['attributes["a"] != nil']}}
  - transform: {metric_statements: ['set(metric.description, "one left") where Len(metric.data_points) == 1']}
  - transform/two: {metric_statements: ['set(datapoint.value_int, 7)']}
  - filter/two: {metric_conditions: ['datapoint.value_int != 7']}
"#;
    let request = metrics(
        &[],
        &[gauge(
            "m",
            &[point(1, &[attribute("a", "x")]), point(2, &[])],
        )],
    );
    let mut left = gauge("m", &[point(7, &[])]);
    left["description"] = json!("one left");
    check(yaml, Signal::Metrics, &request, &metrics(&[], &[left]));
}
