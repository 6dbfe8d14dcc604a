//! Which line makes git ignore a path.

use super::{GitResult, Repository, command};

/// A line of a file of patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreRule {
    /// The file, relative to the worktree where it lies in it.
    pub source: String,
    /// The line's number, from 1.
    pub line: usize,
    /// The pattern.
    pub pattern: String,
}

impl Repository {
    /// The line that hides a path (relative to the top, `/` between its parts) from `git add`, whether or not the path
    /// is there or in the index: of `.gitignore`, of `info/exclude`, or of the user's own patterns. git is asked only
    /// where something hides it.
    pub fn ignore_rule(&self, path: &str) -> GitResult<Option<IgnoreRule>> {
        if self.worktree().is_none() {
            return Ok(None);
        }
        let is_hidden = self.answer_anew(|repo| repo.is_path_ignored(path), || Ok(true))?;
        if !is_hidden {
            return Ok(None);
        }
        // It takes no `--literal-pathspecs`, and no patterns either.
        let cmd = command::plain().cwd(self.dir()).stdin(format!("{path}\0"));
        let cmd = cmd.args(["check-ignore", "--no-index", "--verbose", "-z", "--stdin"]);
        let output = cmd.output()?;
        if output.exit.code() == Some(1) {
            return Ok(None);
        }
        let text = cmd.require_ok(output)?.text();
        let mut fields = text.split('\0').map(str::to_owned);
        let (source, line, pattern) = (fields.next(), fields.next(), fields.next());
        let line = line.and_then(|line| line.parse().ok());
        let rule = source.zip(line).zip(pattern).map(|((source, line), pattern)| IgnoreRule {
            source,
            line,
            pattern,
        });
        // A line that takes a path out of the ignored ones is told too.
        Ok(rule.filter(|rule| !rule.pattern.starts_with('!')))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;

    #[test]
    fn the_line_that_hides_a_path_is_named_and_a_path_that_is_not_hidden_has_none() {
        let sandbox = Sandbox::new();
        let repo = sandbox.repo();
        let path = ".metawsm/policy.json";
        assert_eq!(repo.ignore_rule(path).expect("asked"), None);
        let file = sandbox.dir().join(".gitignore");
        std::fs::write(&file, "# ours\n\n.metawsm/\n").expect("written");
        let rule = repo.ignore_rule(path).expect("asked").expect("hidden");
        assert_eq!((rule.source.as_str(), rule.line, rule.pattern.as_str()), (".gitignore", 3, ".metawsm/"));
        std::fs::write(&file, ".metawsm/*\n!.metawsm/policy.json\n").expect("written");
        assert_eq!(repo.ignore_rule(path).expect("asked"), None);
        assert_eq!(repo.ignore_rule(".metawsm/runs/x").expect("asked").map(|rule| rule.line), Some(1));
    }
}
