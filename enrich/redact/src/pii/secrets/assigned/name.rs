//! Words that name a secret.

/// What kind of secret a name speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// Chosen by a person, as a rule: it may be any word.
    Password,
    /// Generated.
    Token,
}

/// Words for secrets by their last two letters, as nearly no other name has these.
const fn words(last: [u8; 2]) -> (Named, &'static [&'static str]) {
    match &last {
        b"rd" => (Named::Password, &["password"]),
        b"wd" => (Named::Password, &["passwd", "pwd"]),
        b"se" => (Named::Password, &["passphrase"]),
        b"de" => (Named::Password, &["passcode"]),
        b"ss" => (Named::Password, &["pass"]),
        b"et" => (Named::Token, &["secret"]),
        b"en" => (Named::Token, &["token"]),
        b"al" => (Named::Token, &["credential"]),
        b"ls" => (Named::Token, &["credentials"]),
        b"ds" => (Named::Token, &["creds"]),
        b"ey" => (Named::Token, KEYS),
        _ => (Named::Token, &[]),
    }
}

#[rustfmt::skip]
const KEYS: &[&str] = &[
    "apikey", "secretkey", "accesskey", "privatekey", "signingkey", "encryptionkey", "authkey", "accountkey",
];
/// These end other words as well (`bypass`), so they have to begin one: `db_pass`, `dbPass`.
const SHORT: &[&str] = &["pwd", "pass"];
/// Tokens that grant nothing: positions in lists, marks against doubles, what a page shows anyway.
const NO_SECRETS: &[&str] = &[
    "publictoken",
    "csrftoken",
    "xsrftoken",
    "pagetoken",
    "nexttoken",
    "continuationtoken",
    "continuetoken",
    "cancellationtoken",
    "canceltoken",
    "synctoken",
    "resumetoken",
    "idempotencytoken",
    "clienttoken",
];

/// What a key or the word before a `=` names, by how it ends, whatever the case (`DB_PASSWORD`, `clientSecret`,
/// `x-api-key`), a number behind it left aside. What stands before the name doesn't
/// matter.
pub(crate) fn named(name: &[u8]) -> Option<Named> {
    let number = name
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit() || is_separator(**byte))
        .count();
    let name = &name[..name.len() - number];
    let [.., a, b] = *name else {
        return None;
    };
    let (named, words) = words([a.to_ascii_lowercase(), b.to_ascii_lowercase()]);
    let whole = |word: &str, from: usize| !SHORT.contains(&word) || begins_word(name, from);
    let found = words
        .iter()
        .any(|word| before(name, word).is_some_and(|from| whole(word, from)));
    let nothing = || NO_SECRETS.iter().any(|word| before(name, word).is_some());
    (found && !nothing()).then_some(named)
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'_' | b'-' | b'.')
}

/// How many bytes of a name stand before this word, if it ends in it; the word may be written in parts (`api_key`).
fn before(name: &[u8], word: &str) -> Option<usize> {
    let mut rest = name;
    for letter in word.bytes().rev() {
        while let [before @ .., byte] = rest
            && is_separator(*byte)
        {
            rest = before;
        }
        let (last, before) = rest.split_last()?;
        if !last.eq_ignore_ascii_case(&letter) {
            return None;
        }
        rest = before;
    }
    Some(rest.len())
}

/// Whether a word begins after so many bytes: by what is before it, or by its case.
fn begins_word(name: &[u8], at: usize) -> bool {
    let Some(before) = name[..at].last() else {
        return true;
    };
    !before.is_ascii_alphabetic() || before.is_ascii_lowercase() && name[at].is_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for name in [
            "password",
            "DB_PASSWORD",
            "userPassword",
            "passwd",
            "pwd",
            "db.pwd",
            "redisPass",
            "pass",
            "password2",
            "ssh-passphrase",
        ] {
            assert_eq!(named(name.as_bytes()), Some(Named::Password), "{name}");
        }
        for name in [
            "token",
            "ACCESS_TOKEN",
            "accessToken",
            "apikey",
            "api_key",
            "api-key",
            "x-api-key",
            "apiKey",
            "clientSecret",
            "AWS_SECRET_ACCESS_KEY",
            "private_key",
            "credentials",
            "AccountKey",
            "http.request.header.x-api-key",
            "api_token_1",
        ] {
            assert_eq!(named(name.as_bytes()), Some(Named::Token), "{name}");
        }
        for name in [
            "",
            "_",
            "user",
            "bypass",
            "compass",
            "cwd",
            "tokens",
            "tokenizer",
            "secret_name",
            "password_hash_rounds",
            "keyword",
            "key",
            "public_key",
            "csrf_token",
            "nextPageToken",
            "next_token",
            "monkey",
            "author",
            "credentialsId",
        ] {
            assert_eq!(named(name.as_bytes()), None, "{name}");
        }
    }
}
