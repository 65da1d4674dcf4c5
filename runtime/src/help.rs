//! What each metric is, said at the scrape (`# HELP`) in the words of `docs/reference/metrics.md`: one text for both.

const DOCS: &str = include_str!("../../docs/reference/metrics.md");

/// Name and text of each metric in the tables of the docs.
pub(crate) fn texts() -> impl Iterator<Item = (&'static str, String)> {
    DOCS.lines().filter_map(row).flatten()
}

/// A row of a table of metrics: names, labels, what it is.
fn row(line: &'static str) -> Option<impl Iterator<Item = (&'static str, String)>> {
    let cells: Vec<_> = line.strip_prefix("| `")?.split('|').collect();
    let [names, _labels, what, _end] = cells[..] else {
        return None;
    };
    let what = what.trim().replace(['`', '*'], "");
    let names = names.split(',').map(|name| name.trim().trim_matches('`'));
    Some(names.map(move |name| (name, what.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read() {
        let rows: Vec<_> =
            row("| `a_total`, `b_total` | `policy`, `verdict` | what `x` is: **lost** |")
                .into_iter()
                .flatten()
                .collect();
        let what = || "what x is: lost".to_owned();
        assert_eq!(rows, [("a_total", what()), ("b_total", what())]);
        assert!(row("| metric | labels | what |").is_none());
        assert!(row("|---|---|---|").is_none());
    }
}
