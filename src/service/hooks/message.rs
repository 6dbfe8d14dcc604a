//! The trailer that says which run a commit belongs to.

use super::super::ServiceResult;
use crate::git::Repository;
use crate::model::RunId;
use crate::sys::files;
use std::path::Path;

const KEY: &str = "Metawsm-Run";

/// Adds the trailer to a commit message file, unless it is there, or the message is empty and git would give up the
/// commit for that.
pub(super) fn add_trailer(repo: &Repository, file: &Path, run: &RunId) -> ServiceResult<()> {
    let Some(bytes) = files::find_foreign(file, 16 << 20)? else { return Ok(()) };
    let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
    let comment = match repo.config("core.commentChar")?.as_deref() {
        None | Some("auto") => "#".to_owned(),
        Some(comment) => comment.to_owned(),
    };
    if let Some(new) = with_trailer(&text, &comment, run.as_str()) {
        files::write_passing(file, new.as_bytes())?;
    }
    Ok(())
}

/// The message with the trailer; `None` where it stays as it is.
fn with_trailer(text: &str, comment: &str, run: &str) -> Option<String> {
    let scissors = format!("{comment} ------------------------ >8 ------------------------");
    let is_end = |line: &str| line.trim_end_matches(['\n', '\r']) == scissors;
    let mut at = 0;
    // Where the last line that counts ends.
    let mut body = 0;
    let mut lines: Vec<&str> = Vec::new();
    for line in text.split_inclusive('\n') {
        if is_end(line) {
            break;
        }
        at += line.len();
        let counts = !line.trim().is_empty() && !line.starts_with(comment);
        if !line.starts_with(comment) {
            lines.push(line.trim_end());
        }
        if counts {
            body = at;
        }
    }
    let trailer = format!("{KEY}: {run}");
    if body == 0 || lines.iter().any(|line| *line == trailer) {
        return None;
    }
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let (before, after) = text.split_at(body);
    let end = if before.ends_with('\n') { "" } else { "\n" };
    let gap = if ends_in_trailers(&lines) { "" } else { "\n" };
    Some(format!("{before}{end}{gap}{trailer}\n{after}"))
}

/// Whether the last paragraph, which must not be the first, is made of trailers.
fn ends_in_trailers(lines: &[&str]) -> bool {
    let Some(gap) = lines.iter().rposition(|line| line.is_empty()) else { return false };
    let is_first = lines[..gap].iter().all(|line| line.is_empty());
    let is_trailer = |line: &&str| {
        let key = line.split_once(':').map(|(key, _)| key.trim_end());
        key.is_some_and(|key| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
    };
    let more = |line: &&str| line.starts_with([' ', '\t']);
    let paragraph = &lines[gap + 1..];
    !is_first
        && paragraph.first().is_some_and(is_trailer)
        && paragraph.iter().all(|l| is_trailer(l) || more(l))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Cmd;

    #[test]
    fn the_trailer_is_one_that_git_reads() {
        let cases = [
            "Subject\n",
            "Subject",
            "Subject\n\nBody\nof two lines\n\n\n",
            "Subject\n\nBody\n\nSigned-off-by: A <a@e>\nKey: value\n  more\n",
            "fix: a subject with a colon\n",
            "Subject\n\n# a comment\n#\n",
            "Subject\n\nBody: text\nno trailer\n# comment\n",
            "Subject\n# ------------------------ >8 ------------------------\ndiff --git a b\n",
        ];
        for text in cases {
            let new = with_trailer(text, "#", "run-1").expect(text);
            let cmd = Cmd::new("git").args(["interpret-trailers", "--parse"]).stdin(new.clone());
            let read = cmd.run().expect("git").text();
            assert!(read.lines().any(|l| l == "Metawsm-Run: run-1"), "{new:?}: {read}");
            if text.contains("Signed-off-by") {
                assert!(read.starts_with("Signed-off-by: A <a@e>\nKey: value more\n"), "{read}");
            }
            assert_eq!(with_trailer(&new, "#", "run-1"), None, "once is enough");
        }
    }

    #[test]
    fn an_empty_message_stays_empty() {
        for text in [
            "",
            "\n\n",
            "# Please enter a message\n#\n",
            "\n# x\n# ------------------------ >8 ------------------------\ndiff\n",
        ] {
            assert_eq!(with_trailer(text, "#", "run-1"), None, "{text:?}");
        }
        assert!(with_trailer("# no comment\n", ";", "run-1").is_some());
    }
}
