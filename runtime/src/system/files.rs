//! How many files and sockets the process may have open. Many systems allow 1024 unless asked, less than the connections that ingest takes.
#![allow(unsafe_code)]

use std::io;

/// Raises the limit of open files to the most that the system allows this process; the limit that holds then. To be called before threads
/// open files.
///
/// # Errors
/// When the system refuses; the limit stays as it was.
pub fn allow_most_open_files() -> io::Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to a `rlimit` of ours, which is written to.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if limit.rlim_cur < limit.rlim_max {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: the pointer is to a `rlimit` of ours, which is only read.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(limit.rlim_cur)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::process::Command;

    use super::*;

    const CHILD: &str = "TAILWATER_TEST_FILES_CHILD";

    /// In a process of its own, since other tests open files.
    #[test]
    #[cfg(unix)]
    fn the_limit_becomes_the_most_that_is_allowed() {
        if std::env::var_os(CHILD).is_some() {
            println!("raised to {}", allow_most_open_files().unwrap());
            return;
        }
        let script = r#"ulimit -Sn 300 && ulimit -Hn 700 && exec "$0" --exact "$1" --nocapture"#;
        let child = Command::new("sh")
            .args(["-c", script])
            .arg(std::env::current_exe().unwrap())
            .arg("system::files::tests::the_limit_becomes_the_most_that_is_allowed")
            .env(CHILD, "1")
            .output();
        let output = String::from_utf8(child.unwrap().stdout).unwrap();
        assert!(output.contains("raised to 700"), "{output}");
    }
}
