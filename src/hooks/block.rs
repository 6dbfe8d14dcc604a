//! The block that we are in a hook file: put in behind the first line, taken out again byte for byte.

use crate::git::{HOOK_BLOCK_END, HOOK_BLOCK_START};

/// What our own file begins with.
pub(super) const SHEBANG: &[u8] = b"#!/bin/sh\n";
/// Says in the block that the file is there for it alone.
const OUR_FILE: &str = "# The file was made for these lines.";
/// Says in the block that the directory was made for it too.
const OUR_DIR: &str = "# The directory was made for these lines.";

/// What was made for a block beside its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Made {
    /// The file.
    pub file: bool,
    /// The directory around it.
    pub dir: bool,
}

/// Where a block lies in a file: from the start marker to the end of the line of the end marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    start: usize,
    end: usize,
    /// What was made for it.
    pub made: Made,
    /// Its lines, between the markers.
    pub lines: Vec<u8>,
}

/// The block in a file; an error where only one of the markers is there, or a second one.
pub(super) fn find(bytes: &[u8]) -> Result<Option<Found>, String> {
    let (mut at, mut start, mut found) = (0, None, None);
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let (begin, end) = (at, at + line.len());
        at = end;
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        if text == HOOK_BLOCK_START.as_bytes() && start.replace((begin, end)).is_some() {
            return Err("the block of git-metawsm in it begins twice".to_owned());
        }
        if text == HOOK_BLOCK_END.as_bytes() {
            let Some((begin, body)) = start.filter(|_| found.is_none()) else {
                return Err("the block of git-metawsm in it has no beginning".to_owned());
            };
            let inside = &bytes[body..end - line.len()];
            found = Some(Found { start: begin, end, made: made_of(inside), lines: without_made(inside) });
        }
    }
    match (start, found) {
        (Some(_), None) => Err("the block of git-metawsm in it has no end".to_owned()),
        (_, found) => Ok(found),
    }
}

fn has_line(lines: &[u8], wanted: &str) -> bool {
    lines.split(|b| *b == b'\n').any(|line| line == wanted.as_bytes())
}

fn made_of(lines: &[u8]) -> Made {
    Made { file: has_line(lines, OUR_FILE), dir: has_line(lines, OUR_DIR) }
}

fn without_made(lines: &[u8]) -> Vec<u8> {
    let ours = |line: &&[u8]| {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        text != OUR_FILE.as_bytes() && text != OUR_DIR.as_bytes()
    };
    lines.split_inclusive(|b| *b == b'\n').filter(ours).flatten().copied().collect()
}

fn block(lines: &[u8], made: Made) -> Vec<u8> {
    let mut bytes = format!("{HOOK_BLOCK_START}\n").into_bytes();
    for (is_so, line) in [(made.file, OUR_FILE), (made.dir, OUR_DIR)] {
        if is_so {
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
    }
    bytes.extend_from_slice(lines);
    bytes.extend_from_slice(format!("{HOOK_BLOCK_END}\n").as_bytes());
    bytes
}

/// A file with these lines of ours in it: behind its first line, or where our block stands already. A first line that
/// does not end gets its end in front of the block, and the block goes without one: so it is known again.
pub(super) fn put_in(bytes: &[u8], lines: &[u8], made: Made) -> Result<Vec<u8>, String> {
    if let Some(found) = find(bytes)? {
        let mut block = block(lines, found.made);
        if !bytes[found.start..found.end].ends_with(b"\n") {
            block.pop();
        }
        return Ok([&bytes[..found.start], &block, &bytes[found.end..]].concat());
    }
    let block = block(lines, made);
    Ok(match bytes.iter().position(|b| *b == b'\n') {
        Some(end) => [&bytes[..=end], &block, &bytes[end + 1..]].concat(),
        None => [bytes, b"\n", &block[..block.len() - 1]].concat(),
    })
}

/// A file without our block: exactly what it was before. `None` where nothing is left that is not ours.
pub(super) fn take_out(bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
    let Some(found) = find(bytes)? else { return Ok(Some(bytes.to_vec())) };
    let unended = !bytes[found.start..found.end].ends_with(b"\n");
    let before = &bytes[..found.start];
    let before = if unended { before.strip_suffix(b"\n").unwrap_or(before) } else { before };
    let rest = [before, &bytes[found.end..]].concat();
    Ok((!(found.made.file && rest == SHEBANG)).then_some(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOTHING: Made = Made { file: false, dir: false };

    #[test]
    fn the_block_stands_behind_the_first_line_and_is_replaced_in_place() {
        let one = put_in(b"#!/bin/sh\necho hi\n", b"one\n", NOTHING).expect("put in");
        let text = String::from_utf8(one.clone()).expect("text");
        assert_eq!(text, format!("#!/bin/sh\n{HOOK_BLOCK_START}\none\n{HOOK_BLOCK_END}\necho hi\n"));
        assert_eq!(put_in(&one, b"one\n", NOTHING).expect("again"), one);
        let two = put_in(&one, b"two\nmore\n", NOTHING).expect("another");
        assert_eq!(find(&two).expect("found").expect("one").lines, b"two\nmore\n");
        assert_eq!(take_out(&two).expect("out").expect("left"), b"#!/bin/sh\necho hi\n");
    }

    #[test]
    fn a_file_of_ours_goes_whole_unless_somebody_wrote_into_it() {
        let made = Made { file: true, dir: true };
        let ours = put_in(SHEBANG, b"x\n", made).expect("made");
        assert_eq!(find(&ours).expect("found").expect("one").made, made);
        assert_eq!(take_out(&ours).expect("out"), None);
        let theirs = [&ours[..], b"echo theirs\n"].concat();
        assert_eq!(take_out(&theirs).expect("out").expect("left"), b"#!/bin/sh\necho theirs\n");
    }

    #[test]
    fn half_a_block_is_left_to_people() {
        for text in [
            format!("#!/bin/sh\n{HOOK_BLOCK_START}\n"),
            format!("#!/bin/sh\n{HOOK_BLOCK_END}\n"),
            format!("#!/bin/sh\n{HOOK_BLOCK_START}\n{HOOK_BLOCK_START}\n{HOOK_BLOCK_END}\n"),
        ] {
            assert!(find(text.as_bytes()).is_err() && put_in(text.as_bytes(), b"", NOTHING).is_err());
        }
    }

    proptest! {
        #[test]
        fn what_was_there_comes_back_byte_for_byte(
            first in "#!/bin/sh( -e)?", rest in proptest::option::of("(\n|[a-z#>\"' \r]|é){0,60}"),
        ) {
            let before = rest.map_or(first.clone(), |rest| format!("{first}\n{rest}")).into_bytes();
            let with = put_in(&before, b"ours\n", NOTHING).expect("put in");
            prop_assert_eq!(put_in(&with, b"ours\n", NOTHING).expect("twice"), with.clone());
            prop_assert_eq!(take_out(&with).expect("out"), Some(before));
        }
    }
}
