//! Random statements.

use fastrand::Rng;
use ottl::Context;

use super::conditions::Generator;
use super::one;

/// An editor on something that can be changed, often under a condition.
pub fn statement(rng: &mut Rng, context: Context) -> String {
    let mut generator = Generator { rng, context };
    let editor = generator.editor();
    match generator.rng.u8(..3) {
        0 => format!("{editor} where {}", generator.or(2)),
        _ => editor,
    }
}

impl Generator<'_> {
    /// Of whole metrics.
    fn metric_editor(&mut self) -> String {
        let editors = [
            "convert_sum_to_gauge()",
            "convert_gauge_to_sum(\"delta\", true)",
            "convert_gauge_to_sum(\"cumulative\", false)",
            "convert_gauge_to_sum(\"often\", false)",
            "scale_metric(2.5)",
            "scale_metric(0.1, \"ms\")",
            "scale_metric(10.0, name)",
        ];
        one(self.rng, &editors).to_owned()
    }

    fn editor(&mut self) -> String {
        if self.context == Context::Metric && self.rng.bool() {
            return self.metric_editor();
        }
        let maps = self.maps();
        let map = one(self.rng, &maps);
        let key = one(self.rng, &["a", "b", "c", "x"]);
        match self.rng.u8(..16) {
            0..=4 => format!("set({}, {})", self.attribute(0), self.value(2)),
            5 => format!("set({}, {})", self.path(), self.value(2)),
            6 => format!("set({}, {})", self.path(), self.fitting()),
            7 => format!("delete_key({map}, \"{key}\")"),
            8 => format!(
                "delete_matching_keys({map}, \"{}\")",
                one(self.rng, &["a", "^[b-c]$", "", "z"])
            ),
            9 => format!(
                "keep_matching_keys({map}, \"{}\")",
                one(self.rng, &["a", "^[b-c]$", "", "z"])
            ),
            10 => format!("keep_keys({map}, [\"{key}\", \"b\"])"),
            11 => format!("truncate_all({map}, {})", self.rng.u8(..5)),
            12 => format!("limit({map}, {}, [\"{key}\"])", self.rng.u8(1..4)),
            13 => format!("replace_match({}, \"*\", \"all\")", self.attribute(0)),
            14 => format!(
                "replace_pattern({}, \"([a-b])\", \"<$1>\")",
                self.attribute(0)
            ),
            _ => format!("append({}, {})", self.attribute(0), self.value(1)),
        }
    }

    /// What is likelier to fit a path than any value.
    fn fitting(&mut self) -> String {
        let literal = ["1", "2.5", "\"x\"", "[1, 2]", "[0.5]", "true", "300"];
        match self.rng.u8(..2) {
            0 => self.value(1),
            _ => one(self.rng, &literal).to_owned(),
        }
    }
}
