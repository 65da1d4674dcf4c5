//! `ParseSeverity`: a level's name by a table of texts and ranges.

use crate::expr::Call;
use crate::functions::signature::{Args, Converter, Kind, required};
use crate::value::{EvalError, Result, Value};

pub(super) const CONVERTERS: &[Converter] = &[Converter {
    name: "ParseSeverity",
    parameters: &[
        required("target", Kind::Any),
        required("mapping", Kind::Map),
    ],
    make: parse_severity,
}];

/// What belongs to a level.
#[derive(Debug, Default)]
struct Criteria {
    texts: Vec<String>,
    ranges: Vec<(i64, i64)>,
}

fn parse_severity(mut args: Args) -> Result<Call, String> {
    let (target, mapping) = (args.expr(0)?, args.expr(1)?);
    let literal = mapping.literal().ok_or("`mapping` is written out")?;
    let levels = levels(literal).map_err(|error| error.to_string())?;
    Ok(Call::any(move |at| {
        let value = target.eval(at)?;
        let found = levels.iter().find(|(_, criteria)| match &value {
            Value::Text(text) => criteria.texts.iter().any(|known| known == text),
            Value::Int(number) => {
                let mut ranges = criteria.ranges.iter();
                ranges.any(|(min, max)| (min..=max).contains(&number))
            }
            _ => false,
        });
        match (found, value) {
            (Some((level, _)), _) => Ok(Value::owned(level.as_str())),
            (None, Value::Text(_) | Value::Int(_)) => {
                Err(EvalError::new("no level for this value"))
            }
            (None, other) => Err(other.is_not("string or int64")),
        }
    }))
}

fn levels(mapping: &Value<'static>) -> Result<Vec<(String, Criteria)>> {
    let Value::Map(levels) = mapping.clone() else {
        return Err(mapping.is_not("map"));
    };
    let mut read = Vec::new();
    for (level, of_level) in levels.into_pairs()? {
        let Value::List(of_level) = of_level else {
            return Err(of_level.is_not("list of what belongs to a level"));
        };
        let mut criteria = Criteria::default();
        for one in of_level.into_values()? {
            criteria.add(one)?;
        }
        read.push((level.into_owned(), criteria));
    }
    Ok(read)
}

impl Criteria {
    /// `{"equals": ["a"]}`, `{"range": {"min": 1, "max": 2}}` or `{"range": "4xx"}`.
    fn add(&mut self, one: Value<'static>) -> Result<()> {
        let Value::Map(one) = one else {
            return Err(one.is_not("map with `equals` or `range`"));
        };
        if let Some(equals) = one.get("equals")? {
            let Value::List(equals) = equals else {
                return Err(equals.is_not("list in `equals`"));
            };
            for text in equals.into_values()? {
                match text {
                    Value::Text(text) => self.texts.push(text.into_owned()),
                    other => return Err(other.is_not("string in `equals`")),
                }
            }
        }
        match one.get("range")? {
            None => {}
            Some(Value::Text(name)) => self.ranges.push(match &*name {
                "2xx" => (200, 299),
                "3xx" => (300, 399),
                "4xx" => (400, 499),
                "5xx" => (500, 599),
                _ => return Err(EvalError::new(format!("no range {name:?}"))),
            }),
            Some(Value::Map(range)) => match (range.get("min")?, range.get("max")?) {
                (Some(Value::Int(min)), Some(Value::Int(max))) => self.ranges.push((min, max)),
                _ => return Err(EvalError::new("a range has an integer `min` and `max`")),
            },
            Some(other) => return Err(other.is_not("range")),
        }
        Ok(())
    }
}
