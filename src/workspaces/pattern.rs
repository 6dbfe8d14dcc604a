//! Patterns over relative paths, with the meaning that `.gitignore` gives them.

/// An ordered list of patterns; the last one that fits decides.
#[derive(Debug, Clone, Default)]
pub(super) struct Patterns {
    lines: Vec<Line>,
}

#[derive(Debug, Clone)]
struct Line {
    negated: bool,
    dirs_only: bool,
    anchored: bool,
    glob: Vec<u8>,
}

impl Patterns {
    /// Adds the lines of a file or the entries of a list; empty lines and comments are left out.
    pub(super) fn add<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) {
        self.lines.extend(lines.into_iter().filter_map(Line::parse));
    }

    /// Whether there is nothing to match.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether a file (path relative to the repository, `/` between parts) or a directory above it is picked.
    pub(super) fn picks(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| (at, true)).chain([(path.len(), false)]);
        for (end, is_dir) in ends {
            if self.picks_entry(&path[..end], is_dir) {
                return true;
            }
        }
        false
    }

    fn picks_entry(&self, path: &str, is_dir: bool) -> bool {
        let last = self.lines.iter().rev().find(|line| line.fits(path, is_dir));
        last.is_some_and(|line| !line.negated)
    }
}

impl Line {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim_end_matches(['\n', '\r']).trim_end();
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        let (negated, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let text = text.strip_prefix("./").unwrap_or(text);
        let (dirs_only, text) = text.strip_suffix('/').map_or((false, text), |rest| (true, rest));
        let anchored = text.contains('/');
        let glob = text.strip_prefix('/').unwrap_or(text);
        (!glob.is_empty()).then(|| Self { negated, dirs_only, anchored, glob: glob.as_bytes().to_vec() })
    }

    fn fits(&self, path: &str, is_dir: bool) -> bool {
        if self.dirs_only && !is_dir {
            return false;
        }
        let subject = if self.anchored { path } else { path.rsplit('/').next().unwrap_or(path) };
        glob_fits(&self.glob, subject.as_bytes())
    }
}

/// Whether a glob fits the whole text: `*` and `?` stop at `/`, `**/` is any number of directories, `[...]` one
/// character. The work is bounded by the product of both lengths, whatever the pattern.
fn glob_fits(glob: &[u8], text: &[u8]) -> bool {
    // `reach[i]` tells whether the pattern so far can end before text[i].
    let mut reach = vec![false; text.len() + 1];
    reach[0] = true;
    let mut at = 0;
    while at < glob.len() {
        let rest = &glob[at..];
        if rest.starts_with(b"**/") && starts_part(glob, at) {
            at += 3;
            spread_dirs(&mut reach, text);
        } else if rest == b"**" && starts_part(glob, at) {
            at += 2;
            spread(&mut reach, text, |_| true);
        } else if rest[0] == b'*' {
            at += 1;
            spread(&mut reach, text, |c| c != b'/');
        } else {
            let (one, used) = One::parse(rest);
            at += used;
            reach = step(&reach, text, &one);
        }
    }
    reach[text.len()]
}

fn starts_part(glob: &[u8], at: usize) -> bool {
    at == 0 || glob[at - 1] == b'/'
}

fn spread(reach: &mut [bool], text: &[u8], over: impl Fn(u8) -> bool) {
    for i in 0..text.len() {
        reach[i + 1] |= reach[i] && over(text[i]);
    }
}

/// `**/`: from where we are, to after any later `/`.
fn spread_dirs(reach: &mut [bool], text: &[u8]) {
    let mut open = false;
    for i in 0..text.len() {
        open |= reach[i];
        reach[i + 1] |= open && text[i] == b'/';
    }
}

fn step(reach: &[bool], text: &[u8], one: &One<'_>) -> Vec<bool> {
    let mut next = vec![false; reach.len()];
    for i in 0..text.len() {
        next[i + 1] = reach[i] && one.fits(text[i]);
    }
    next
}

/// What fits exactly one character.
enum One<'a> {
    Byte(u8),
    Any,
    Class { negated: bool, body: &'a [u8] },
}

impl<'a> One<'a> {
    /// The element at the start of the pattern and how many bytes it takes; a `[` that nothing closes is itself.
    fn parse(rest: &'a [u8]) -> (Self, usize) {
        match (rest[0], rest.get(1)) {
            (b'\\', Some(&escaped)) => (Self::Byte(escaped), 2),
            (b'?', _) => (Self::Any, 1),
            (b'[', _) => Self::class(rest).unwrap_or((Self::Byte(b'['), 1)),
            (byte, _) => (Self::Byte(byte), 1),
        }
    }

    fn class(rest: &'a [u8]) -> Option<(Self, usize)> {
        let negated = matches!(rest.get(1), Some(b'!' | b'^'));
        let start = if negated { 2 } else { 1 };
        // A `]` right at the start stands for itself.
        let close = rest.iter().skip(start + 1).position(|&b| b == b']')? + start + 1;
        Some((Self::Class { negated, body: &rest[start..close] }, close + 1))
    }

    fn fits(&self, byte: u8) -> bool {
        match self {
            Self::Byte(wanted) => byte == *wanted,
            Self::Any => byte != b'/',
            Self::Class { negated, body } => byte != b'/' && class_holds(body, byte) != *negated,
        }
    }
}

fn class_holds(body: &[u8], byte: u8) -> bool {
    let mut at = 0;
    while at < body.len() {
        if at + 2 < body.len() && body[at + 1] == b'-' {
            if (body[at]..=body[at + 2]).contains(&byte) {
                return true;
            }
            at += 3;
        } else {
            if body[at] == byte {
                return true;
            }
            at += 1;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picks(lines: &[&str], path: &str) -> bool {
        let mut patterns = Patterns::default();
        patterns.add(lines.iter().copied());
        patterns.picks(path)
    }

    #[test]
    fn patterns_mean_what_gitignore_means() {
        let yes: [(&[&str], &str); 14] = [
            (&[".env"], ".env"),
            (&[".env"], "app/.env"),
            (&[".env*"], "app/.env.local"),
            (&["/.env"], ".env"),
            (&["config/*.json"], "config/a.json"),
            (&["node_modules/"], "app/node_modules/a/b.js"),
            (&["**/secrets/**"], "a/b/secrets/c/d"),
            (&["a/**/z"], "a/z"),
            (&["a/**/z"], "a/b/c/z"),
            (&["[a-c]?.txt"], "b1.txt"),
            (&["[!a]x"], "bx"),
            (&["\\*"], "*"),
            (&["  # no comment? yes", "x"], "x"),
            (&["*.key", "!public.key"], "private.key"),
        ];
        for (lines, path) in yes {
            assert!(picks(lines, path), "{lines:?} must pick {path}");
        }
        let no: [(&[&str], &str); 10] = [
            (&["/.env"], "app/.env"),
            (&["config/*.json"], "config/b/a.json"),
            (&["config/*.json"], "x/config/a.json"),
            (&["build/"], "build"),
            (&["# x", ""], "x"),
            (&["*.key", "!public.key"], "public.key"),
            (&["a*b"], "a/b"),
            (&["[!a]x"], "ax"),
            (&[], "x"),
            (&["/"], "x"),
        ];
        for (lines, path) in no {
            assert!(!picks(lines, path), "{lines:?} must not pick {path}");
        }
    }

    #[test]
    fn a_hostile_pattern_costs_little() {
        let glob = "*a".repeat(2_000);
        assert!(!picks(&[&glob], &"a".repeat(1_000)));
    }
}
