//! What a span costs, as measured: one table, with where each figure stands.
//!
//! All of it is of one machine and of spans of [`SPAN_BYTES`] in traces of 25; a test holds each figure to its page.

/// A figure and the words by which it is found in its page.
pub struct Coefficient {
    pub value: f64,
    /// A file of `docs/`.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test looks there"))]
    pub page: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "a test looks for it"))]
    pub found: &'static str,
}

const fn of(value: f64, page: &'static str, found: &'static str) -> Coefficient {
    Coefficient { value, page, found }
}

const PERFORMANCE: &str = "explanation/performance.md";
const SIZE: &str = "how-to/size.md";

/// Of the spans that everything was measured with.
pub const SPAN_BYTES: Coefficient = of(422.0, PERFORMANCE, "| bytes a span | 422 |");

/// On the raw topic, with lz4, before replication.
pub const RAW_BYTES: Coefficient = of(
    114.0,
    PERFORMANCE,
    "| Tailwater | 1.61 | wanted 12 | 239 k | 57 | 114 |",
);
pub const SAMPLED_BYTES: Coefficient = of(
    113.0,
    PERFORMANCE,
    "| Tailwater | 0.84 | wanted 25 | 571 k | 177 | 113 |",
);
pub const CLEAN_BYTES: Coefficient = of(
    80.0,
    PERFORMANCE,
    "| Tailwater | 1.46 | wanted 15 | 404 k | 62 | 80 |",
);

/// CPU-seconds for a million spans, over gRPC.
pub const INGEST_CPU: Coefficient = of(1.61, PERFORMANCE, "| Tailwater | 1.61 |");
/// With three policies, a process with 16 partitions.
pub const SAMPLER_CPU: Coefficient = of(0.84, PERFORMANCE, "| Tailwater | 0.84 |");
/// A process with 256 partitions: nearly all of the growth is the client's.
pub const SAMPLER_CPU_MANY_PARTITIONS: Coefficient =
    of(2.47, PERFORMANCE, "| partitions | 256 | 2.47 |");
/// At 20,000 spans a second: wake-ups and commits cost the same, however little they carry.
pub const SAMPLER_CPU_LOW_RATE: Coefficient = of(
    3.132,
    PERFORMANCE,
    "| exactly_once | 0.83 0.78 | 0.805 | 123 | 50.0 | 100.0 | 3.132 |",
);
/// Of kept spans: a deletion, a hash, three patterns.
pub const ENRICH_CPU: Coefficient = of(1.46, PERFORMANCE, "| Tailwater | 1.46 |");
/// Of kept spans, for each backend.
pub const EXPORT_CPU: Coefficient = of(0.57, PERFORMANCE, "| Tailwater | 0.57 |");

/// State of the window.
pub const OPEN_TRACE_BYTES: Coefficient = of(180.0, SIZE, "| open traces | about 180 each");
/// Resident, with what allocators and growing maps add.
pub const OPEN_TRACE_BYTES_RESIDENT: Coefficient = of(620.0, SIZE, "Plan with 620.");
pub const VERDICT_BYTES: Coefficient = of(75.0, SIZE, "| verdicts | about 75 each;");
/// How long a verdict is remembered, in `decision_cache_ttl`.
pub const VERDICT_TTLS: Coefficient = of(1.5, SIZE, "one and a half `decision_cache_ttl`");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_stands_where_it_says() {
        let all = [
            SPAN_BYTES,
            RAW_BYTES,
            SAMPLED_BYTES,
            CLEAN_BYTES,
            INGEST_CPU,
            SAMPLER_CPU,
            SAMPLER_CPU_MANY_PARTITIONS,
            SAMPLER_CPU_LOW_RATE,
            ENRICH_CPU,
            EXPORT_CPU,
            OPEN_TRACE_BYTES,
            OPEN_TRACE_BYTES_RESIDENT,
            VERDICT_BYTES,
            VERDICT_TTLS,
        ];
        let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        for figure in all {
            let page = std::fs::read_to_string(docs.join(figure.page)).expect("a page");
            // Lines are wrapped where they happen to be.
            let page = page.replace('\n', " ");
            assert!(page.contains(figure.found), "{}", figure.found);
            let spelled = figure.found.contains("one and a half");
            assert!(
                spelled || figure.found.contains(&figure.value.to_string()),
                "{} isn't {}",
                figure.found,
                figure.value
            );
        }
    }
}
