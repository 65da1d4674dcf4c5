//! Groups of digits with one byte between: `4111 1111 1111 1111`, `123-45-6789`, `10.0.0.1`.

/// Groups at most that are looked at together.
const GROUPS_MAX: usize = 8;
/// Digits at most: a card has 19, a French social security number 15.
const DIGITS_MAX: usize = 24;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The groups that begin at one place, as far as they go on.
#[derive(Debug)]
pub(super) struct Run {
    groups: [Group; GROUPS_MAX],
    count: usize,
    /// The byte before each group but the first.
    separators: [u8; GROUPS_MAX],
    lengths: [usize; GROUPS_MAX],
    digits: [u8; DIGITS_MAX],
}

impl Run {
    /// The run whose first group is `start..end`. `None`: more digits than any number has.
    pub(super) fn at(text: &[u8], start: usize, end: usize) -> Option<Self> {
        let mut run = Self {
            groups: [Group::default(); GROUPS_MAX],
            count: 0,
            separators: [0; GROUPS_MAX],
            lengths: [0; GROUPS_MAX],
            digits: [0; DIGITS_MAX],
        };
        if end - start > DIGITS_MAX {
            return None;
        }
        let (mut group, mut digits) = (Group { start, end }, 0);
        loop {
            let bytes = &text[group.start..group.end];
            let Some(room) = run.digits.get_mut(digits..digits + bytes.len()) else {
                break;
            };
            room.copy_from_slice(bytes);
            digits += bytes.len();
            run.groups[run.count] = group;
            run.lengths[run.count] = bytes.len();
            run.count += 1;
            let Some(separator @ (b' ' | b'-' | b'.' | b'/')) = text.get(group.end).copied() else {
                break;
            };
            if run.count == GROUPS_MAX {
                break;
            }
            run.separators[run.count] = separator;
            let start = group.end + 1;
            let rest = &text[start..];
            let len = rest
                .iter()
                .take(DIGITS_MAX + 1)
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            // A group that a letter continues is none.
            let goes_on = rest
                .get(len)
                .is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'_');
            if len == 0 || goes_on {
                break;
            }
            group = Group {
                start,
                end: start + len,
            };
        }
        Some(run)
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn start(&self) -> usize {
        self.groups[0].start
    }

    /// Behind the first `count` groups.
    pub(super) fn end(&self, count: usize) -> usize {
        self.groups[count - 1].end
    }

    /// How many digits the first `count` groups have.
    pub(super) fn lengths(&self, count: usize) -> &[usize] {
        &self.lengths[..count]
    }

    /// What stands between the first `count` groups.
    pub(super) fn separators(&self, count: usize) -> &[u8] {
        &self.separators[1..count]
    }

    /// The digits of the first `count` groups, without what stands between.
    pub(super) fn digits(&self, count: usize) -> &[u8] {
        let len: usize = self.lengths[..count].iter().sum();
        &self.digits[..len]
    }

    /// The one byte that stands between the first `count` groups.
    pub(super) fn separator(&self, count: usize) -> Option<u8> {
        let (first, rest) = self.separators(count).split_first()?;
        rest.iter().all(|other| other == first).then_some(*first)
    }

    /// How many digits the group behind the first `count` has, where the same separator stands before it.
    pub(super) fn next_length(&self, count: usize, separator: u8) -> Option<usize> {
        (count < self.count && self.separators[count] == separator).then(|| self.lengths[count])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, first: usize, lengths: &[usize], separators: &str) {
        let run = Run::at(text.as_bytes(), 0, first).unwrap();
        assert_eq!(run.lengths(run.count()), lengths, "{text}");
        assert_eq!(run.separators(run.count()), separators.as_bytes(), "{text}");
    }

    #[test]
    fn groups_end_where_something_else_begins() {
        check("123-45-6789", 3, &[3, 2, 4], "--");
        check("123-45-6789x", 3, &[3, 2], "-");
        check("123--45", 3, &[3], "");
        check("10.0.0.1:80", 2, &[2, 1, 1, 1], "...");
        check("1 2 3 4 5 6 7 8 9", 1, &[1; 8], "       ");
        check("12 1234567890123456789012345", 2, &[2], "");
        assert!(Run::at(&[b'1'; 25], 0, 25).is_none());
    }
}
