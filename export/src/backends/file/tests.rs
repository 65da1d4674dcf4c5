//! Its section, and what is said of it.

use crate::config::tests::check_problem;

#[test]
fn problems_carry_their_path() {
    let b = "export.backends[0]";
    check_problem(
        "file: {path: ''}",
        &format!("{b}.file.path: a path is needed"),
    );
    check_problem(
        "file: {path: x, rotate: {bytes: 0}}",
        &format!("{b}.file.rotate.bytes: 0 would"),
    );
}
