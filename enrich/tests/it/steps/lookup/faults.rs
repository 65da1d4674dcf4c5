//! Tables that can't be used, and configurations that can't.

use std::fs;
use std::path::Path;

use super::file;
use crate::steps::steps;

/// What `check` says of a table that is written so.
#[track_caller]
fn fault(kind: &str, contents: &[u8], said: &str) {
    let (_folder, path) = file("t", contents);
    let key = if kind == "mmdb" { "" } else { ", key: id" };
    let yaml = format!(
        "steps: [{{lookup: {{source: {{type: {kind}, path: '{path}'{key}}}, memory_limit: 64KiB, lookups: [{{key: 'attributes[\"a\"]', attributes: [{{source: x, destination: x}}]}}]}}}}]\n"
    );
    let config = steps(&yaml).unwrap_or_else(|report| panic!("{report}"));
    let faults = config.read_tables();
    let shown = String::from_utf8_lossy(contents);
    assert_eq!(faults.len(), 1, "{kind}: {shown:?}");
    let (at, fault) = &faults[0];
    assert!(at.ends_with("steps[0].lookup.source.path"), "{at}");
    assert!(fault.starts_with(&path) && fault.contains(said), "{fault}");
}

#[test]
fn faults_are_told_with_their_lines() {
    fault(
        "csv",
        b"id,x\na,1\nb,2\na,3\n",
        "line 4: the key \"a\" is there twice",
    );
    fault(
        "csv",
        b"id,x\na,1\nb\n",
        "line 3: has 1 fields, where the first line has 2",
    );
    fault("csv", b"id,x\n,1\n", "line 2: the column \"id\" is empty");
    fault("csv", b"id,x\na,\xff\n", "line 2: is not UTF-8");
    fault(
        "csv",
        b"id,y,z\na,1,2\n",
        "has no column \"x\"; it has id, y, z",
    );
    fault("csv", b"", "has no column \"id\"");
    fault("csv", b"id,x\n", "holds nothing");
    fault("json", br#"[{"id": "a", "x": 1},"#, "is not JSON");
    fault(
        "json",
        b"[\n{\"id\": \"a\", \"x\": 1},\n{\"id\": \"a\", \"x\": 2}\n]",
        "line 3: the key \"a\" is there twice",
    );
    fault(
        "json",
        b"{\"a\": {\"x\": 1},\n\"a\": {\"x\": 2}}",
        "line 2: the key \"a\" is there twice",
    );
    fault("json", br#"[{"x": 1}]"#, "its \"id\" is missing");
    fault(
        "json",
        br#"[{"id": "a", "x": [1]}]"#,
        "its \"x\" is a list or a map",
    );
    fault("json", br#"[{"id": "a"}]"#, "has no column \"x\"");
    fault("json", b"[]", "holds nothing");
    fault("json", b"7", "is not JSON");
    fault(
        "yaml",
        b"- {id: a, x: 1}\n- {id: a, x: 2}\n",
        "row 2: the key \"a\" is there twice",
    );
    fault("yaml", b"a: {x: 1}\na: {x: 2}\n", "a");
    fault("yaml", b"a: [", "is not YAML");
    fault("yaml", b"", "holds nothing");
    fault("csv", &[b'x'; 70_000], "takes more than 65536 bytes");
    let many: String = (0..4000).map(|n| format!("{n},\n")).collect();
    fault(
        "csv",
        format!("id,x\n{many}").as_bytes(),
        "takes more than 65536 bytes",
    );
}

/// MaxMind's own collection of what can be broken.
#[test]
fn broken_databases_are_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mmdb");
    let mut refused = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let is_sound = ["GeoIP2-City-Test.mmdb", "GeoLite2-ASN-Test.mmdb"].contains(&&*name);
        if !name.ends_with(".mmdb") || is_sound {
            continue;
        }
        println!("{name}");
        fault(
            "mmdb",
            &fs::read(&path).unwrap(),
            "is not a MaxMind database",
        );
        refused += 1;
    }
    assert_eq!(refused, 12);
    // Torn in the middle.
    let sound = fs::read(folder.join("GeoIP2-City-Test.mmdb")).unwrap();
    fault(
        "mmdb",
        &sound[..sound.len() / 2],
        "is not a MaxMind database",
    );
    fault("mmdb", b"", "is not a MaxMind database");
}

#[test]
fn a_file_that_is_missing_is_no_error_of_the_configuration() {
    let config = steps(
        "steps: [{lookup: {source: {type: csv, path: /no/such/file, key: id}, lookups: [{key: 'attributes[\"a\"]', attributes: [{source: x, destination: x}]}]}}]\n",
    );
    let config = config.unwrap_or_else(|report| panic!("{report}"));
    let faults = config.read_tables();
    assert!(
        faults[0].1.contains("/no/such/file cannot be read"),
        "{faults:?}"
    );
}

#[test]
fn mistakes_are_all_told_by_their_places() {
    let report = steps(
        r#"
steps:
  - lookup/a: {source: {}, lookups: []}
  - lookup/b:
      source: {type: mmdb, path: x, key: id, refresh: 10ms}
      memory_limit: 1KiB
      lookups:
        - {key: 'span.attributes[', attributes: [{destination: x}]}
        - {key: 'resource.name', attributes: []}
"#,
    )
    .unwrap_err();
    for said in [
        "steps[0].lookup/a.source: the key `path` is missing",
        "steps[0].lookup/a.source: the key `type` is missing",
        "steps[0].lookup/a.lookups: is empty",
        "steps[1].lookup/b.source.key: has no meaning here",
        "steps[1].lookup/b.source.refresh: too short",
        "steps[1].lookup/b.memory_limit: out of range",
        "steps[1].lookup/b.lookups[0].key: ",
        "steps[1].lookup/b.lookups[0].attributes[0]: the key `source` is missing",
        "steps[1].lookup/b.lookups[1].key: ",
        "steps[1].lookup/b.lookups[1].attributes: is empty",
    ] {
        assert!(report.contains(said), "{said}\n{report}");
    }
}
