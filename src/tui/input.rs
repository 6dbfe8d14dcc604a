//! Bytes of a terminal as keys and pasted text. Pure: what a lone escape byte means, whoever waits for more decides.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The most that one paste may hold, in bytes; what comes after it is a paste of its own.
const PASTE: usize = 1 << 20;
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// What was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// A key.
    Key(KeyEvent),
    /// Text that was pasted.
    Pasted(String),
}

/// Bytes that are not understood yet.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    rest: Vec<u8>,
    is_pasting: bool,
}

/// What the bytes at the beginning are.
enum Found {
    /// A key of so many bytes.
    Key(KeyCode, KeyModifiers, usize),
    /// A paste begins behind so many bytes.
    Paste(usize),
    /// So many bytes that mean nothing to us.
    Nothing(usize),
    /// More has to come.
    Part,
}

impl Decoder {
    /// Takes bytes in.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
    }

    /// Whether bytes are left that may be a key by themselves, or the beginning of one.
    pub fn is_unsure(&self) -> bool {
        !self.is_pasting && !self.rest.is_empty()
    }

    /// The next key or paste. With `is_all` nothing more has come for a while: an escape byte is the key of that name.
    pub fn next(&mut self, is_all: bool) -> Option<Input> {
        loop {
            if self.is_pasting {
                return self.pasted();
            }
            match found(&self.rest, is_all) {
                Found::Part => return None,
                Found::Key(code, held, length) => {
                    self.rest.drain(..length);
                    return Some(Input::Key(KeyEvent::new(code, held)));
                }
                Found::Paste(length) => {
                    self.rest.drain(..length);
                    self.is_pasting = true;
                }
                Found::Nothing(length) => {
                    self.rest.drain(..length);
                }
            }
        }
    }

    fn pasted(&mut self) -> Option<Input> {
        let end = self.rest.windows(PASTE_ENDS.len()).position(|bytes| bytes == PASTE_ENDS);
        let (text, taken) = match end {
            Some(end) => (end, end + PASTE_ENDS.len()),
            None if self.rest.len() > PASTE => (PASTE, PASTE),
            None => return None,
        };
        self.is_pasting = end.is_none();
        let bytes: Vec<u8> = self.rest.drain(..taken).take(text).collect();
        Some(Input::Pasted(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

fn found(bytes: &[u8], is_all: bool) -> Found {
    let none = KeyModifiers::NONE;
    let part = |length| if is_all { Found::Nothing(length) } else { Found::Part };
    match bytes {
        [0x1b] if is_all => Found::Key(KeyCode::Esc, none, 1),
        [] | [0x1b] => Found::Part,
        [0x1b, 0x1b, ..] => Found::Key(KeyCode::Esc, none, 1),
        [0x1b, b'[', rest @ ..] => match rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) {
            Some(end) => sequence(&rest[..end], rest[end], end + 3),
            None => part(bytes.len()),
        },
        [0x1b, b'O', last, ..] => sequence(b"", *last, 3),
        [0x1b, b'O'] => part(2),
        [0x1b, rest @ ..] => match found(rest, is_all) {
            Found::Key(code, held, length) => Found::Key(code, held | KeyModifiers::ALT, length + 1),
            Found::Nothing(length) | Found::Paste(length) => Found::Nothing(length + 1),
            Found::Part => Found::Part,
        },
        [b'\r', ..] => Found::Key(KeyCode::Enter, none, 1),
        [b'\t', ..] => Found::Key(KeyCode::Tab, none, 1),
        [0x08 | 0x7f, ..] => Found::Key(KeyCode::Backspace, none, 1),
        [byte @ 0x01..=0x1a, ..] => {
            Found::Key(KeyCode::Char(char::from(byte - 1 + b'a')), KeyModifiers::CONTROL, 1)
        }
        [0x00..=0x1f, ..] => Found::Nothing(1),
        [first, ..] => letter(bytes, *first, part(bytes.len())),
    }
}

/// A letter in UTF-8; `part` where it has not come as a whole.
fn letter(bytes: &[u8], first: u8, part: Found) -> Found {
    let length = match first {
        0x20..=0x7e => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Found::Nothing(1),
    };
    let Some(whole) = bytes.get(..length) else { return part };
    match std::str::from_utf8(whole).ok().and_then(|text| text.chars().next()) {
        Some(letter) => Found::Key(KeyCode::Char(letter), KeyModifiers::NONE, length),
        None => Found::Nothing(1),
    }
}

/// A control sequence: its numbers, its last byte, its length with all that stands before.
fn sequence(numbers: &[u8], last: u8, length: usize) -> Found {
    let text = String::from_utf8_lossy(numbers);
    let mut numbers = text.split(';').map(|number| number.parse::<u8>().ok());
    let (number, held) = (numbers.next().flatten(), numbers.next().flatten().unwrap_or(1));
    let code = match (last, number) {
        (b'A', _) => KeyCode::Up,
        (b'B', _) => KeyCode::Down,
        (b'C', _) => KeyCode::Right,
        (b'D', _) => KeyCode::Left,
        (b'H', _) | (b'~', Some(1 | 7)) => KeyCode::Home,
        (b'F', _) | (b'~', Some(4 | 8)) => KeyCode::End,
        (b'Z', _) => KeyCode::BackTab,
        (b'~', Some(3)) => KeyCode::Delete,
        (b'~', Some(5)) => KeyCode::PageUp,
        (b'~', Some(6)) => KeyCode::PageDown,
        (b'P', _) | (b'~', Some(11)) => KeyCode::F(1),
        (b'~', Some(15)) => KeyCode::F(5),
        (b'~', Some(200)) => return Found::Paste(length),
        _ => return Found::Nothing(length),
    };
    let bit =
        |bit: u8, held_key| if held.saturating_sub(1) & bit == 0 { KeyModifiers::NONE } else { held_key };
    Found::Key(code, bit(2, KeyModifiers::ALT) | bit(4, KeyModifiers::CONTROL), length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(parts: &[&[u8]], is_all: bool) -> Vec<Input> {
        let mut decoder = Decoder::default();
        let mut found = Vec::new();
        for part in parts {
            decoder.feed(part);
            found.extend(std::iter::from_fn(|| decoder.next(false)));
        }
        if is_all {
            found.extend(std::iter::from_fn(|| decoder.next(true)));
        }
        found
    }

    fn key(code: KeyCode, held: KeyModifiers) -> Input {
        Input::Key(KeyEvent::new(code, held))
    }

    #[test]
    fn keys_are_told_apart_however_their_bytes_come() {
        let none = KeyModifiers::NONE;
        let cases: [(&[u8], Input); 14] = [
            (b"q", key(KeyCode::Char('q'), none)),
            ("é".as_bytes(), key(KeyCode::Char('é'), none)),
            ("漢".as_bytes(), key(KeyCode::Char('漢'), none)),
            (b"\r", key(KeyCode::Enter, none)),
            (b"\n", key(KeyCode::Char('j'), KeyModifiers::CONTROL)),
            (b"\x03", key(KeyCode::Char('c'), KeyModifiers::CONTROL)),
            (b"\x7f", key(KeyCode::Backspace, none)),
            (b"\x1b[A", key(KeyCode::Up, none)),
            (b"\x1bOB", key(KeyCode::Down, none)),
            (b"\x1b[1;5C", key(KeyCode::Right, KeyModifiers::CONTROL)),
            (b"\x1b[6~", key(KeyCode::PageDown, none)),
            (b"\x1b[Z", key(KeyCode::BackTab, none)),
            (b"\x1b\r", key(KeyCode::Enter, KeyModifiers::ALT)),
            (b"\x1bx", key(KeyCode::Char('x'), KeyModifiers::ALT)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(all(&[bytes], false), std::slice::from_ref(&expected), "{bytes:?}");
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(all(&single, false), [expected], "{bytes:?}, byte by byte");
        }
    }

    #[test]
    fn an_escape_byte_alone_is_a_key_once_nothing_follows() {
        let esc = key(KeyCode::Esc, KeyModifiers::NONE);
        assert_eq!(all(&[b"\x1b"], false), []);
        assert_eq!(all(&[b"\x1b"], true), std::slice::from_ref(&esc));
        assert_eq!(all(&[b"\x1b\x1b[A"], false), [esc, key(KeyCode::Up, KeyModifiers::NONE)]);
    }

    #[test]
    fn pasted_text_is_no_keys_and_comes_whole() {
        let pasted = all(&[b"a\x1b[200~one\rq\x1b[A", b"two\x1b[201", b"~b"], false);
        let letter = |c| key(KeyCode::Char(c), KeyModifiers::NONE);
        assert_eq!(pasted, [letter('a'), Input::Pasted("one\rq\x1b[Atwo".to_owned()), letter('b')]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_stay_forever(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut decoder = Decoder::default();
            decoder.feed(&bytes);
            while decoder.next(true).is_some() {}
            prop_assert!(!decoder.is_unsure());
        }
    }
}
