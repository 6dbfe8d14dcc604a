//! The words of a post: from the command line, a file, or standard input.

use super::super::{ServiceError, ServiceResult};
use crate::model::says_something;
use crate::sys::{SysError, term};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The most that one post may hold, in bytes: a megabyte. More belongs into a file of the repository.
pub const BODY_CAP: usize = 1 << 20;

/// Where the words are.
#[derive(Debug, Clone)]
pub enum BodySource {
    /// `--body`.
    Text(String),
    /// `--body-file`.
    File(PathBuf),
    /// Nothing was named: standard input, unless that is a terminal.
    Stdin,
}

/// The words: UTF-8 text that says something, lines ended by LF, without blank lines around it. People call them
/// `what`; `help` is the command that tells how to give them.
pub fn words(source: BodySource, what: &str, help: &str) -> ServiceResult<String> {
    let wrong = |why: &str| ServiceError::wrong(format!("The {what} {why}"), &[help]);
    let bytes = match source {
        BodySource::Text(text) => text.into_bytes(),
        BodySource::File(path) if path == Path::new("-") => from_stdin()?,
        BodySource::File(path) => {
            let file = File::open(&path).map_err(|e| SysError::file("read", &path, e))?;
            capped(file).map_err(|e| SysError::file("read", &path, e))?
        }
        BodySource::Stdin if term::stdin_is_terminal() => {
            return Err(wrong("has no words: give them by an option, a file, or standard input."));
        }
        BodySource::Stdin => from_stdin()?,
    };
    if bytes.len() > BODY_CAP {
        let message = format!(
            "has more than {BODY_CAP} bytes; put such a text into a file of the repository and name that."
        );
        return Err(wrong(&message));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8 text."))?;
    let text = text.replace("\r\n", "\n");
    let text = text.trim_end().trim_start_matches(['\n', '\r']);
    if !says_something(text) {
        return Err(wrong("is empty."));
    }
    Ok(text.to_owned())
}

fn from_stdin() -> ServiceResult<Vec<u8>> {
    capped(std::io::stdin()).map_err(|e| SysError::file("read", Path::new("standard input"), e).into())
}

fn capped(source: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(BODY_CAP as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
