//! Which backends write to one file, however its path is spelled: each would overwrite lines of the other.

use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use runtime::config::Problems;

use super::config::RawFile;
use crate::backends::kind::Written;

/// As many as Linux follows.
const SYMLINKS_MAX: usize = 40;

/// A file that a backend writes to.
struct Destination<'a> {
    backend: usize,
    file: &'a RawFile,
    path: PathBuf,
    /// Device and inode, where it exists: hard links, and file systems that ignore case.
    inode: Option<(u64, u64)>,
}

/// Reports each backend whose file an earlier one writes to.
pub fn check(sections: &[Written<'_, RawFile>], problems: &mut Problems) {
    let mut seen: Vec<Destination<'_>> = Vec::new();
    for Written {
        at,
        backend,
        section: file,
    } in sections
    {
        if file.path.as_os_str().is_empty() {
            continue;
        }
        let path = resolve(&file.path);
        let metadata = std::fs::metadata(&path).ok();
        let own = Destination {
            backend: *backend,
            file,
            inode: metadata.map(|metadata| (metadata.dev(), metadata.ino())),
            path,
        };
        if let Some(message) = seen.iter().find_map(|other| conflict(other, &own)) {
            problems.push(format!("{at}.path"), message);
        }
        seen.push(own);
    }
}

fn conflict(first: &Destination<'_>, second: &Destination<'_>) -> Option<String> {
    let index = first.backend;
    let named = |file: &RawFile| file.path.display().to_string();
    if first.path == second.path || (first.inode.is_some() && first.inode == second.inode) {
        return Some(match first.file.path == second.file.path {
            true => format!("backend {index} writes to the same file"),
            false => format!(
                "backend {index} writes to the same file, as `{}`: both are {}",
                named(first.file),
                first.path.display()
            ),
        });
    }
    if lower(&first.path) == lower(&second.path) {
        return Some(format!(
            "it differs from the `{}` of backend {index} by case alone, and some file systems ignore case: choose another name",
            named(first.file)
        ));
    }
    let rotated = |one: &Destination<'_>, other: &Destination<'_>| {
        let keep = one.file.rotate.map_or(0, |rotate| rotate.keep);
        let number = rotation_of(&one.path, &other.path);
        number.is_some_and(|number| (1..=keep).contains(&number))
    };
    if rotated(first, second) {
        return Some(format!(
            "backend {index} rotates `{}` to this name",
            named(first.file)
        ));
    }
    rotated(second, first).then(|| {
        format!(
            "its rotation would replace `{}`, to which backend {index} writes",
            named(first.file)
        )
    })
}

fn lower(path: &Path) -> String {
    path.to_string_lossy().to_lowercase()
}

/// The N of `<path>.N`.
fn rotation_of(path: &Path, other: &Path) -> Option<u32> {
    let (path, other) = (lower(path), lower(other));
    other.strip_prefix(&path)?.strip_prefix('.')?.parse().ok()
}

/// The absolute path without symlinks, `.` and `..`, also of what doesn't exist yet.
fn resolve(path: &Path) -> PathBuf {
    let Ok(absolute) = std::path::absolute(path) else {
        return path.to_owned();
    };
    let mut resolved = PathBuf::new();
    let mut left = pieces_of(&absolute);
    let mut links = 0;
    while let Some(piece) = left.pop() {
        match piece.components().next() {
            Some(Component::RootDir) => resolved = PathBuf::from("/"),
            Some(Component::ParentDir) => {
                resolved.pop();
            }
            Some(Component::Normal(name)) => {
                let next = resolved.join(name);
                match std::fs::read_link(&next) {
                    Ok(target) if links < SYMLINKS_MAX => {
                        links += 1;
                        left.extend(pieces_of(&target));
                    }
                    _ => resolved = next,
                }
            }
            _ => {}
        }
    }
    resolved
}

/// The components of a path, the last one first.
fn pieces_of(path: &Path) -> Vec<PathBuf> {
    let pieces = path.components().rev();
    pieces
        .map(|piece| PathBuf::from(piece.as_os_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::backends::file::config::RawRotate;

    /// In a directory with a file `there`, a hard link and symbolic links to it and to nothing: what is said of two backends.
    #[track_caller]
    fn check_two(first: &str, second: &str, expected: Option<&str>) {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir_all(at("sub/deep")).unwrap();
        std::fs::write(at("there"), "").unwrap();
        std::fs::hard_link(at("there"), at("hard")).unwrap();
        std::os::unix::fs::symlink("there", at("soft")).unwrap();
        std::os::unix::fs::symlink("nowhere/yet", at("dangling")).unwrap();
        std::os::unix::fs::symlink(at("sub"), at("folder")).unwrap();
        std::os::unix::fs::symlink("loop", at("loop")).unwrap();
        let file = |path: &str| RawFile {
            path: match path.starts_with('@') {
                // Relative to where the tests run.
                true => path[1..].into(),
                false => at(path),
            },
            rotate: path.contains("rotated").then(RawRotate::default),
        };
        let files = [file(first), file(second)];
        let written = files.iter().enumerate().map(|(backend, section)| Written {
            at: format!("export.backends[{backend}].file"),
            backend,
            section,
        });
        let mut problems = Problems::new();
        check(&written.collect::<Vec<_>>(), &mut problems);
        let found: Vec<_> = problems
            .iter()
            .map(|problem| problem.message.clone())
            .collect();
        match expected {
            None => assert!(found.is_empty(), "{first} and {second}: {found:?}"),
            Some(expected) => {
                assert_eq!(found.len(), 1, "{first} and {second}");
                assert!(found[0].contains(expected), "{}", found[0]);
            }
        }
    }

    #[test]
    fn one_file_by_two_names() {
        let same = Some("writes to the same file");
        let here = std::env::current_dir().unwrap();
        check_two("new", "new", same);
        check_two("new", "./new", same);
        check_two("new", "sub/../new", same);
        check_two("new", "absent/../new", same);
        check_two("new", "folder/../new", same);
        check_two("sub/deep/x", "folder/deep/x", same);
        check_two("sub/absent/x", "folder/absent/x", same);
        check_two("there", "soft", same);
        check_two("there", "hard", same);
        check_two("dangling", "nowhere/yet", same);
        check_two(
            "@kept.jsonl",
            &format!("@{}/kept.jsonl", here.display()),
            same,
        );
        check_two("@a//b/./c", "@a/b/c", same);
    }

    #[test]
    fn names_that_meet_later() {
        check_two("Kept.jsonl", "kept.jsonl", Some("by case alone"));
        check_two("sub/x", "SUB/x", Some("by case alone"));
        check_two("rotated", "rotated.3", Some("rotates"));
        check_two("rotated.1", "rotated", Some("would replace"));
    }

    #[test]
    fn different_files() {
        check_two("a", "b", None);
        check_two("sub/a", "a", None);
        check_two("there", "dangling", None);
        check_two("loop", "there", None);
        check_two("plain", "plain.1", None);
        check_two("rotated", "rotated.6", None);
        check_two("rotated", "rotated.1x", None);
    }
}
