//! What a file holds that stands for a value: a secret, mounted by whoever runs the process.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// A value is no document.
const BYTES_MAX: u64 = 1 << 20;

pub fn is_absolute(path: &str) -> bool {
    Path::new(path).is_absolute()
}

/// The text without the newline at its end, of which editors and `echo` leave one.
///
/// # Errors
/// Which file, and why it can't be read. What it holds is not told.
pub fn held_by(path: &Path) -> Result<String, String> {
    let cannot = |why: String| {
        let path = path.display();
        format!("can't read {path} for ${{file:{path}}}: {why}")
    };
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        return Err(cannot(format!(
            "{error}; mount it, or let the user of this process read it"
        )));
    }
    if bytes.len() as u64 > BYTES_MAX {
        return Err(cannot(format!("it is larger than {BYTES_MAX} bytes")));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| cannot("it isn't UTF-8".to_owned()))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(held: &[u8], expected: &str) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        std::fs::write(&path, held).expect("a file");
        match held_by(&path) {
            Ok(text) => assert_eq!(text, expected),
            Err(message) => assert!(message.contains(expected), "{message}"),
        }
    }

    #[test]
    fn one_newline_at_the_end_is_no_part_of_it() {
        check(b"secret", "secret");
        check(b"secret\n", "secret");
        check(b"secret\r\n", "secret");
        check(b"secret\n\n", "secret\n");
        check(b" a b ", " a b ");
        check(b"", "");
        check(b"\xff", "it isn't UTF-8");
        check(&vec![b'x'; (BYTES_MAX + 1) as usize], "larger than");
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let message = held_by(folder.path()).expect_err("a folder");
        assert!(message.contains("directory"), "{message}");
    }
}
