//! A profile of the shared credentials file.

use std::path::Path;

use super::Credentials;
use crate::variables::Variables;

/// `None`: there is no such file or profile.
pub fn find(variables: &Variables<'_>) -> Result<Option<Credentials>, String> {
    let by_home = || variables("HOME").map(|home| format!("{home}/.aws/credentials"));
    let Some(path) = variables("AWS_SHARED_CREDENTIALS_FILE").or_else(by_home) else {
        return Ok(None);
    };
    if !Path::new(&path).exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(&path).map_err(|e| format!("reading {path}: {e}"))?;
    let profile = variables("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
    Ok(of_profile(&text, &profile))
}

fn of_profile(text: &str, profile: &str) -> Option<Credentials> {
    let header = format!("[{profile}]");
    let lines = text.lines().map(str::trim);
    let mut lines = lines.skip_while(|line| *line != header);
    lines.next()?;
    let pairs: Vec<(&str, &str)> = lines
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect();
    let value = |name| {
        let found = pairs.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Some(Credentials {
        access_key_id: value("aws_access_key_id")?,
        secret_access_key: value("aws_secret_access_key")?,
        session_token: value("aws_session_token"),
        expires: None,
    })
}
