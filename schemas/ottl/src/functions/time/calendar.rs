//! Times: from numbers, to numbers, their parts. Parts are counted at the time's own offset, which is UTC unless a text named another.

use crate::expr::Call;
use crate::functions::signature::{Args, Converter, Kind, Parameter, optional, required};
use crate::telemetry::Subject;
use crate::value::{EvalError, Result, Time, Value};

const OF: &[Parameter] = &[required("time", Kind::Time)];

const fn part(name: &'static str, make: fn(Args) -> Result<Call, String>) -> Converter {
    Converter {
        name,
        parameters: OF,
        make,
    }
}

pub(super) const CONVERTERS: &[Converter] = &[
    Converter {
        name: "Now",
        parameters: &[],
        make: |_| Ok(Call::any(now)),
    },
    part("Year", |args| int(args, |time| time.civil().year)),
    part("Month", |args| int(args, |time| time.civil().month.into())),
    part("Day", |args| int(args, |time| time.civil().day.into())),
    part("Weekday", |args| int(args, |time| time.weekday().into())),
    part("Hour", |args| int(args, |time| time.civil().hour.into())),
    part("Minute", |args| {
        int(args, |time| time.civil().minute.into())
    }),
    part("Second", |args| {
        int(args, |time| time.civil().second.into())
    }),
    part("Nanosecond", |args| int(args, |time| time.nanos.into())),
    part("UnixSeconds", |args| int(args, |time| time.seconds)),
    part("UnixMilli", |args| int(args, |time| unix(time, 1_000_000))),
    part("UnixMicro", |args| int(args, |time| unix(time, 1_000))),
    part("UnixNano", |args| int(args, |time| unix(time, 1))),
    Converter {
        name: "Unix",
        parameters: &[
            required("seconds", Kind::Int),
            optional("nanoseconds", Kind::Int),
        ],
        make: from_unix,
    },
    Converter {
        name: "TruncateTime",
        parameters: &[
            required("time", Kind::Time),
            required("duration", Kind::Duration),
        ],
        make: truncate,
    },
];

fn int(mut args: Args, part: fn(&Time) -> i64) -> Result<Call, String> {
    let time = args.expr(0)?;
    Ok(Call::any(move |at| Ok(Value::Int(part(&time.time(at)?)))))
}

/// Wraps round where 64 bits don't reach, as Go does.
fn unix(time: &Time, unit: i128) -> i64 {
    time.unix_nanos().div_euclid(unit) as i64
}

fn from_unix(mut args: Args) -> Result<Call, String> {
    let (seconds, nanos) = (args.expr(0)?, args.optional_expr(1));
    Ok(Call::any(move |at| {
        let seconds = i128::from(seconds.int(at)?) * 1_000_000_000;
        let nanos = match &nanos {
            Some(nanos) => nanos.int(at)?,
            None => 0,
        };
        Ok(Value::Time(Time::from_unix_nanos(
            seconds + i128::from(nanos),
        )))
    }))
}

/// Rounds down to a multiple of the duration since the year 1, as Go does: weeks begin on Mondays.
fn truncate(mut args: Args) -> Result<Call, String> {
    const YEAR_1: i128 = -62_135_596_800 * 1_000_000_000;
    let (time, duration) = (args.expr(0)?, args.expr(1)?);
    Ok(Call::any(move |at| {
        let time = time.time(at)?;
        let duration = i128::from(duration.duration(at)?);
        if duration <= 0 {
            return Ok(Value::Time(time));
        }
        let over = (time.unix_nanos() - YEAR_1).rem_euclid(duration);
        Ok(Value::Time(time.plus(-over)))
    }))
}

/// The time at which the bus took the record: the same whenever the record is read again.
fn now(at: &Subject<'_>) -> Result<Value<'static>> {
    let published = at.published();
    let nanos = published.ok_or_else(|| EvalError::new("the record's time is not known"))?;
    Ok(Value::Time(Time::from_unix_nanos(nanos.into())))
}
