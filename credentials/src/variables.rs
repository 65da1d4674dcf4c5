//! Environment variables, by which the clouds tell a process who it is.

/// Where variables come from: the process's environment, or a test's.
pub type Variables<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Of this process. Empty ones count as absent.
pub fn of_process(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What is configured, or else what the first of these variables says.
pub(crate) fn or_of(
    written: Option<&String>,
    variables: &Variables<'_>,
    names: &[&str],
) -> Option<String> {
    let written = written.filter(|value| !value.is_empty()).cloned();
    written.or_else(|| names.iter().find_map(|name| variables(name)))
}
