//! The lines in which two texts differ, in the form that patches have.

use super::diff::FileText;
use similar::{Algorithm, ChangeTag, capture_diff_slices_deadline, group_diff_ops};
use std::time::{Duration, Instant};

/// How long two texts may be compared; after that the difference is right, and longer than it need be.
const PATIENCE: Duration = Duration::from_secs(5);

/// The lines around a change.
const CONTEXT: usize = 3;

/// The hunks of a unified diff of two texts. Lines end at `\n` alone, as git has it.
pub(super) fn unified(old: &[u8], new: &[u8]) -> FileText {
    let (old, new) = (lines(old), lines(new));
    let deadline = Instant::now() + PATIENCE;
    let ops = capture_diff_slices_deadline(Algorithm::Myers, &old, &new, Some(deadline));
    let (mut hunks, mut added, mut removed) = (Vec::new(), 0, 0);
    for group in group_diff_ops(ops, CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let old_range = first.old_range().start..last.old_range().end;
        let new_range = first.new_range().start..last.new_range().end;
        hunks.extend_from_slice(format!("@@ -{} +{} @@\n", range(&old_range), range(&new_range)).as_bytes());
        for change in group.iter().flat_map(|op| op.iter_changes(&old, &new)) {
            let sign = match change.tag() {
                ChangeTag::Equal => b' ',
                ChangeTag::Insert => {
                    added += 1;
                    b'+'
                }
                ChangeTag::Delete => {
                    removed += 1;
                    b'-'
                }
            };
            hunks.push(sign);
            hunks.extend_from_slice(change.value());
            if !change.value().ends_with(b"\n") {
                hunks.extend_from_slice(b"\n\\ No newline at end of file\n");
            }
        }
    }
    FileText::Lines { hunks, added, removed }
}

/// Lines with their ends.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// `start,count`; a range of nothing names the line before it.
fn range(lines: &std::ops::Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        count => format!("{},{count}", lines.start + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hunks(old: &str, new: &str) -> String {
        match unified(old.as_bytes(), new.as_bytes()) {
            FileText::Lines { hunks, .. } => String::from_utf8_lossy(&hunks).into_owned(),
            other => panic!("no lines: {other:?}"),
        }
    }

    #[test]
    fn hunks_look_as_git_prints_them() {
        let numbers: Vec<_> = (1..30).map(|n| n.to_string()).collect();
        let old = numbers.join("\n") + "\n";
        let new = old.replace("5\n", "five\n").replacen("20\n", "", 1);
        let text = hunks(&old, &new);
        assert!(text.contains("-5\n+five\n") && text.contains("-20\n"), "{text}");
        assert_eq!(hunks("", "a\nb"), "@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n");
        assert_eq!(hunks("a\n", ""), "@@ -1 +0,0 @@\n-a\n");
        assert_eq!(hunks("a\r\n", "a\n"), "@@ -1 +1 @@\n-a\r\n+a\n");
        assert_eq!(hunks("a\rb\n", "a\rc\n"), "@@ -1 +1 @@\n-a\rb\n+a\rc\n");
        assert_eq!(hunks("same", "same"), "");
    }
}
