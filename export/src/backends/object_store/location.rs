//! Where objects go: a bucket of a cloud, or a folder. Pure.

use std::path::PathBuf;

/// A place for objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    Bucket {
        cloud: Cloud,
        bucket: String,
        /// Without a slash at either end.
        prefix: String,
    },
    Folder(PathBuf),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    S3,
    Google,
    Azure,
}

impl Location {
    /// # Errors
    /// What is wrong with it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let examples =
            "s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or file:///folder";
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(format!("an address is needed: {examples}"));
        };
        let cloud = match scheme {
            "s3" => Cloud::S3,
            "gs" => Cloud::Google,
            "az" => Cloud::Azure,
            "file" if rest.starts_with('/') => return Ok(Self::Folder(rest.into())),
            "file" => {
                return Err("file:// has an absolute path behind it: file:///folder".to_owned());
            }
            other => return Err(format!("`{other}://` is none of {examples}")),
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        // A key in the address would be shown wherever the address is.
        if bucket.contains('@') || rest.contains('?') {
            return Err("credentials don't belong into the address: use `login`".to_owned());
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if bucket.is_empty() || !bucket.chars().all(is_name) {
            return Err(format!("`{bucket}` is not the name of a bucket"));
        }
        let prefix = prefix.trim_end_matches('/');
        let is_odd = |segment: &str| matches!(segment, "" | "." | "..");
        if !prefix.is_empty() && prefix.split('/').any(is_odd) {
            return Err(format!("`{prefix}` has an empty folder, `.` or `..` in it"));
        }
        Ok(Self::Bucket {
            cloud,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let bucket = |cloud, bucket: &str, prefix: &str| Location::Bucket {
            cloud,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        };
        for (url, expected) in [
            ("s3://b", bucket(Cloud::S3, "b", "")),
            ("gs://my-b.x/a/b/", bucket(Cloud::Google, "my-b.x", "a/b")),
            ("az://c/a", bucket(Cloud::Azure, "c", "a")),
            ("file:///var/otel", Location::Folder("/var/otel".into())),
        ] {
            assert_eq!(Location::parse(url), Ok(expected), "{url}");
        }
        for wrong in [
            "",
            "/var",
            "file://var",
            "ftp://b",
            "s3://",
            "s3://b//a",
            "s3://b/../a",
            "s3://k:s@b/a",
            "s3://b/a?sig=1",
        ] {
            assert!(Location::parse(wrong).is_err(), "{wrong}");
        }
    }
}
