//! A reader of foreign JSON that stops before the answer costs more than was set aside for it.

use std::io::{self, Read};
use std::time::Instant;

/// Bytes of one answer.
pub(super) const ANSWER: u64 = 8 << 20;
/// Bytes of one text in it.
const TEXT: usize = 64 << 10;
/// How deep an answer may nest; docmgr's nest four deep.
const DEPTH: usize = 32;

/// Why an answer was not read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stop {
    #[error("the time is over")]
    Late,
    #[error("it is longer than {} MiB", ANSWER >> 20)]
    Long,
    #[error("it nests more than {DEPTH} deep")]
    Deep,
    #[error("one text in it is longer than {} KiB", TEXT >> 10)]
    LongText,
}

impl Stop {
    /// The reason in an error of reading, if it is one of these.
    pub fn of(error: &io::Error) -> Option<Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()).copied()
    }
}

/// A reader that counts bytes, depth and the length of texts while they pass.
pub(super) struct Guard<R> {
    inner: R,
    until: Instant,
    left: u64,
    depth: usize,
    /// The length of the text that is under way.
    text: Option<usize>,
    escaped: bool,
}

impl<R: Read> Guard<R> {
    pub fn new(inner: R, until: Instant) -> Self {
        Self { inner, until, left: ANSWER, depth: 0, text: None, escaped: false }
    }

    fn pass(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        for byte in bytes {
            match (&mut self.text, byte) {
                (Some(_), _) if self.escaped => self.escaped = false,
                (Some(_), b'"') => self.text = None,
                (Some(length), _) => {
                    self.escaped = *byte == b'\\';
                    *length += 1;
                    if *length > TEXT {
                        return Err(Stop::LongText);
                    }
                }
                (None, b'"') => self.text = Some(0),
                (None, b'[' | b'{') => {
                    self.depth += 1;
                    if self.depth > DEPTH {
                        return Err(Stop::Deep);
                    }
                }
                (None, b']' | b'}') => self.depth = self.depth.saturating_sub(1),
                (None, _) => {}
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if Instant::now() >= self.until {
            return Err(io::Error::other(Stop::Late));
        }
        let count = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| io::Error::other(Stop::Long))?;
        self.pass(&buffer[..count]).map_err(io::Error::other)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn read(bytes: impl Read) -> Result<u64, Stop> {
        let mut guard = Guard::new(bytes, Instant::now() + Duration::from_secs(600));
        io::copy(&mut guard, &mut io::sink()).map_err(|error| Stop::of(&error).expect("a reason of ours"))
    }

    #[test]
    fn an_answer_passes_as_it_is() {
        let nested = "[".repeat(DEPTH) + &"]".repeat(DEPTH);
        let text = format!("\"{}\"", "x".repeat(TEXT));
        for good in ["", "{\"a\":\"[[[[\\\"{{\"}", nested.as_str(), text.as_str(), "]]]}}}["] {
            assert_eq!(read(good.as_bytes()), Ok(good.len() as u64), "{good:.40}");
        }
    }

    #[test]
    fn an_answer_without_end_is_cut_at_the_first_limit() {
        let endless = |byte: u8| read(io::repeat(byte));
        assert_eq!(endless(b' '), Err(Stop::Long));
        assert_eq!(endless(b'['), Err(Stop::Deep));
        assert_eq!(endless(b'{'), Err(Stop::Deep));
        assert_eq!(read(b"\"".chain(io::repeat(b'x'))), Err(Stop::LongText));
        assert_eq!(read(b"\"".chain(io::repeat(b'\\'))), Err(Stop::LongText));
        let mut late = Guard::new(io::repeat(b' '), Instant::now());
        let error = late.read(&mut [0; 8]).expect_err("the time is over");
        assert_eq!(Stop::of(&error), Some(Stop::Late));
    }
}
