//! `tailwater schema`: the JSON schema of the configuration, for editors (`# yaml-language-server: $schema=…`) and for checks in CI.

use runtime::exit;

use crate::config::RawConfig;

pub fn run() -> i32 {
    let schema = schemars::schema_for!(RawConfig);
    println!("{:#}", schema.as_value());
    exit::CLEAN
}
