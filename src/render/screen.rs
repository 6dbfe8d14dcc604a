//! Where output goes and how it looks.

use super::escape::escape_json;
use crate::sys::term;
use serde_json::{Map, Value};
use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::process::ExitCode;

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// On terminals, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where output goes and how it looks; one per process.
#[derive(Debug)]
pub struct Screen {
    /// Whether the answer is JSON.
    pub json: bool,
    quiet: bool,
    color_out: bool,
    color_err: bool,
    live: bool,
    closed: Cell<bool>,
    broken: RefCell<Option<io::Error>>,
    /// What was said, where it is kept instead of written.
    kept: Option<RefCell<String>>,
}

/// The version of the JSON answers.
const SCHEMA: u32 = 1;

impl Screen {
    /// A screen for these options.
    pub fn new(json: bool, quiet: bool, color: ColorChoice) -> Self {
        let auto = |terminal: bool| match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        };
        let (out, err) = (term::stdout_is_terminal(), term::stderr_is_terminal());
        Self {
            json,
            quiet,
            color_out: auto(out),
            color_err: auto(err),
            live: err,
            closed: Cell::new(false),
            broken: RefCell::new(None),
            kept: None,
        }
    }

    /// A screen that writes nothing: it keeps what is said to it, painted, for a screen that draws it itself.
    pub fn keeping() -> Self {
        Self {
            json: false,
            quiet: false,
            color_out: true,
            color_err: true,
            live: false,
            closed: Cell::new(false),
            broken: RefCell::new(None),
            kept: Some(RefCell::new(String::new())),
        }
    }

    /// What was said to a screen that keeps it, answer and story in their order; empty for any other.
    pub fn kept(self) -> String {
        self.kept.map(RefCell::into_inner).unwrap_or_default()
    }

    /// Whether what is said is kept for somebody who fits it in himself.
    pub fn is_keeping(&self) -> bool {
        self.kept.is_some()
    }

    /// Whether the answer may be coloured.
    pub fn colors(&self) -> bool {
        self.color_out
    }

    /// Whether a person reads the answer on a terminal.
    pub fn is_terminal(&self) -> bool {
        term::stdout_is_terminal()
    }

    /// Whether nobody reads the answer any more.
    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Writes to standard output. A closed pipe is no error: a reader's `head` means it.
    pub fn answer(&self, text: &str) {
        self.answer_bytes(text.as_bytes());
    }

    /// As [`Screen::answer`] for bytes that git wrote for people.
    pub fn answer_bytes(&self, bytes: &[u8]) {
        if self.keeps(&String::from_utf8_lossy(bytes)) {
            return;
        }
        let mut out = io::stdout().lock();
        if self.closed.get() {
            return;
        }
        if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
            self.closed.set(true);
            if error.kind() != io::ErrorKind::BrokenPipe {
                self.broken.replace(Some(error));
            }
        }
    }

    /// The exit code of the whole program: an answer that could not be written is not given.
    pub fn exit(&self, code: ExitCode) -> ExitCode {
        let Some(error) = self.broken.take() else { return code };
        self.complaint(&format!(
            "{} The answer could not be written: {error}.",
            self.paint_story(Paint::Bad, "error:")
        ));
        ExitCode::FAILURE
    }

    /// Writes a JSON object with the schema's version in front.
    pub fn answer_json(&self, value: Value) {
        let fields = match value {
            Value::Object(fields) => fields,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        let fields = escape_json(&Value::Object(fields).to_string());
        let rest = fields.strip_prefix("{").filter(|rest| *rest != "}").map(|rest| format!(",{rest}"));
        self.answer(&format!("{{\"schema\":{SCHEMA}{}\n", rest.as_deref().unwrap_or("}")));
    }

    /// Keeps a text, where this screen keeps what is said to it.
    fn keeps(&self, text: &str) -> bool {
        self.kept.as_ref().map(|kept| kept.borrow_mut().push_str(text)).is_some()
    }

    /// Writes a line of the story to standard error.
    pub fn story(&self, line: &str) {
        if self.keeps(&format!("{line}\n")) {
            return;
        }
        if !self.quiet && !self.json {
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
    }

    /// Writes a line to standard error whatever was asked.
    pub fn complaint(&self, line: &str) {
        if self.keeps(&format!("{line}\n")) {
            return;
        }
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// Writes to standard error without ending the line, whatever was asked.
    pub fn prompt(&self, text: &str) {
        let _ = write!(io::stderr().lock(), "{text}");
        let _ = io::stderr().lock().flush();
    }

    /// Shows that something is under way, on a terminal only; the next line of the story takes its place.
    pub fn live(&self, line: &str) {
        if self.live && !self.quiet && !self.json {
            let _ = write!(io::stderr().lock(), "\r\x1b[2K… {line}");
            let _ = io::stderr().lock().flush();
        }
    }

    /// Takes away what [`Screen::live`] showed.
    pub fn clear_live(&self) {
        if self.live && !self.quiet && !self.json {
            let _ = write!(io::stderr().lock(), "\r\x1b[2K");
        }
    }

    /// Text in a colour, where the answer may be coloured.
    pub fn paint(&self, paint: Paint, text: &str) -> String {
        painted(self.color_out, paint, text)
    }

    /// Text in a colour, for the story.
    pub fn paint_story(&self, paint: Paint, text: &str) -> String {
        painted(self.color_err, paint, text)
    }
}

/// The colours in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Good.
    Good,
    /// Bad.
    Bad,
    /// Wants a look.
    Warn,
    /// Less important.
    Dim,
    /// A heading.
    Bold,
}

fn painted(color: bool, paint: Paint, text: &str) -> String {
    if !color {
        return text.to_owned();
    }
    let code = match paint {
        Paint::Good => "32",
        Paint::Bad => "31",
        Paint::Warn => "33",
        Paint::Dim => "2",
        Paint::Bold => "1",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}
