//! What a walk through a docs root passes over: docmgr's own list, and `.docmgrignore` files.

/// The name of the files that hold patterns.
pub(super) const FILE: &str = ".docmgrignore";

const ALWAYS: [&str; 9] =
    [".git", ".meta", ".pnpm", ".venv", "__pycache__", "build", "coverage", "dist", "node_modules"];

/// Whether a directory of this name is never looked into.
pub(super) fn is_passed_over(name: &str) -> bool {
    name.starts_with('_') || name.starts_with(crate::sys::files::TEMP_PREFIX) || ALWAYS.contains(&name)
}

/// The patterns of the files met so far, in the order they were met: the last that matches decides.
#[derive(Debug, Default)]
pub(super) struct Patterns(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    /// Where its file lies, relative to the repository's top; empty or with a final `/`.
    base: String,
    glob: String,
    negated: bool,
    only_dirs: bool,
    anchored: bool,
}

impl Patterns {
    /// Takes the patterns of a file that lies in `base`.
    pub fn add(&mut self, base: &str, text: &str) {
        let base = if base.is_empty() { String::new() } else { format!("{base}/") };
        for line in text.lines().map(str::trim_end).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let (negated, rest) = line.strip_prefix('!').map_or((false, line), |r| (true, r));
            let only_dirs = rest.ends_with('/');
            let rest = rest.trim_end_matches('/');
            let anchored = rest.contains('/');
            let glob = rest.trim_start_matches('/').to_owned();
            self.0.push(Pattern { base: base.clone(), glob, negated, only_dirs, anchored });
        }
    }

    /// Whether the path, relative to the repository's top, is ignored. Directories above it are not looked at: a
    /// walk asks for them first.
    pub fn ignore(&self, path: &str, is_dir: bool) -> bool {
        let matching = self.0.iter().rev().find(|p| {
            let Some(inner) = path.strip_prefix(p.base.as_str()) else { return false };
            let subject = if p.anchored { inner } else { inner.rsplit('/').next().unwrap_or(inner) };
            (is_dir || !p.only_dirs) && matches(p.glob.as_bytes(), subject.as_bytes())
        });
        matching.is_some_and(|p| !p.negated)
    }
}

/// gitignore's `*`, `?` and `**`. Iterative with one point to come back to a star of each kind, so that no
/// pattern takes more than quadratic time.
fn matches(glob: &[u8], text: &[u8]) -> bool {
    let (mut g, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    let mut double: Option<(usize, usize)> = None;
    loop {
        if glob[g..].starts_with(b"**") {
            // `**/` also stands for no directory at all, and then only for whole ones.
            g += if glob[g..].starts_with(b"**/") { 3 } else { 2 };
            double = Some((g, t));
            star = None;
            continue;
        }
        match glob.get(g) {
            Some(b'*') => {
                g += 1;
                star = Some((g, t));
                continue;
            }
            Some(b'?') if t < text.len() && text[t] != b'/' => {
                (g, t) = (g + 1, t + 1);
                continue;
            }
            Some(c) if t < text.len() && text[t] == *c => {
                (g, t) = (g + 1, t + 1);
                continue;
            }
            None if t == text.len() => return true,
            _ => {}
        }
        if let Some((back, from)) = star.filter(|&(_, from)| from < text.len() && text[from] != b'/') {
            star = Some((back, from + 1));
            (g, t) = (back, from + 1);
        } else if let Some((back, next)) = double.and_then(|(back, from)| {
            let whole = glob[..back].ends_with(b"/");
            let next = (from + 1..=text.len()).find(|&at| !whole || text[at - 1] == b'/')?;
            Some((back, next))
        }) {
            double = Some((back, next));
            star = None;
            (g, t) = (back, next);
        } else {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_gitignore_says() {
        let cases = [
            ("*.bak", "ttmp/a/x.bak", false, true),
            ("old/", "ttmp/old", true, true),
            ("old/", "ttmp/old", false, false),
            ("/old", "ttmp/old", true, true),
            ("/old", "ttmp/a/old", true, false),
            ("a/*/c", "ttmp/a/b/c", true, true),
            ("a/*/c", "ttmp/a/b/b/c", true, false),
            ("a/**/c", "ttmp/a/c", true, true),
            ("a/**/c", "ttmp/a/b/b/c", true, true),
            ("**/old", "ttmp/a/b/old", true, true),
            ("**/old", "ttmp/a/bold", true, false),
            ("a/**", "ttmp/a/b/c", false, true),
            ("x?z", "ttmp/xyz", false, true),
            ("# x", "ttmp/# x", false, false),
            ("*\n!keep", "ttmp/keep", true, false),
            ("old", "other/old", true, false),
        ];
        for (text, path, is_dir, want) in cases {
            let mut patterns = Patterns::default();
            patterns.add("ttmp", text);
            assert_eq!(patterns.ignore(path, is_dir), want, "{text:?} on {path:?}");
        }
    }

    #[test]
    fn many_stars_end_soon() {
        let glob = "*a".repeat(60);
        assert!(!matches(glob.as_bytes(), "a".repeat(50).as_bytes()));
        let glob = "**/a*".repeat(40);
        assert!(!matches(glob.as_bytes(), "a/".repeat(200).as_bytes()));
    }
}
