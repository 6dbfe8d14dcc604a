//! Commands as people write them: one shell line or an argv list.

use crate::model::RepoName;
use serde::de::Error as _;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// A command: a line for the shell, or an argv list that no shell sees.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Command {
    /// A line for `sh -c`.
    Shell(String),
    /// Program and arguments.
    Argv(Vec<String>),
}

impl Command {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Shell(line) => line.trim().is_empty(),
            Self::Argv(argv) => argv.is_empty(),
        }
    }

    /// Program and arguments to start; a line becomes `sh -c <line>`.
    pub fn argv(&self) -> Vec<String> {
        match self {
            Self::Shell(line) => vec!["sh".to_owned(), "-c".to_owned(), line.clone()],
            Self::Argv(argv) => argv.clone(),
        }
    }
}

impl Default for Command {
    fn default() -> Self {
        Self::Shell(String::new())
    }
}

impl fmt::Display for Command {
    /// As one would type it into a shell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell(line) => f.write_str(line),
            Self::Argv(argv) => {
                for (i, word) in argv.iter().enumerate() {
                    let space = if i == 0 { "" } else { " " };
                    write!(f, "{space}{}", quoted(word))?;
                }
                Ok(())
            }
        }
    }
}

fn quoted(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./=:@%+,{}".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The key that stands for every repository where commands are given by repository.
pub(super) const EVERY_REPO: &str = "*";

/// `git_pr.test_commands`: a list that holds for every repository, or a table from repository to list, in which
/// the key `*` holds for every repository.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TestCommands {
    /// Run in every repository.
    pub every: Vec<Command>,
    /// Run in one repository, after those for every one.
    pub by_repo: BTreeMap<RepoName, Vec<Command>>,
}

impl TestCommands {
    /// Whether no command is configured at all.
    pub fn is_empty(&self) -> bool {
        self.every.is_empty() && self.by_repo.values().all(Vec::is_empty)
    }

    /// The commands of one repository, in the order in which they run.
    pub fn of_repo(&self, repo: &RepoName) -> Vec<&Command> {
        self.every.iter().chain(self.by_repo.get(repo).into_iter().flatten()).collect()
    }
}

impl Serialize for TestCommands {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.by_repo.is_empty() {
            return self.every.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        if !self.every.is_empty() {
            map.serialize_entry(EVERY_REPO, &self.every)?;
        }
        for (repo, commands) in &self.by_repo {
            map.serialize_entry(repo, commands)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for TestCommands {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            List(Vec<Command>),
            Table(BTreeMap<String, Vec<Command>>),
        }
        let mut table = match Written::deserialize(deserializer)? {
            Written::List(every) => return Ok(Self { every, by_repo: BTreeMap::new() }),
            Written::Table(table) => table,
        };
        let every = table.remove(EVERY_REPO).unwrap_or_default();
        let mut by_repo = BTreeMap::new();
        for (repo, commands) in table {
            by_repo.insert(RepoName::parse(&repo).map_err(D::Error::custom)?, commands);
        }
        Ok(Self { every, by_repo })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argv_list_is_shown_as_one_would_type_it() {
        let argv = |words: &[&str]| Command::Argv(words.iter().map(|w| (*w).to_owned()).collect());
        let cases = [
            (argv(&["cargo", "test", "--all"]), "cargo test --all"),
            (argv(&["echo", "a b", "", "it's"]), r"echo 'a b' '' 'it'\''s'"),
            (Command::Shell("make check && true".into()), "make check && true"),
        ];
        for (command, shown) in cases {
            assert_eq!(command.to_string(), shown);
        }
    }

    #[test]
    fn commands_of_a_repository_are_those_of_every_one_and_its_own() {
        let commands: TestCommands =
            serde_json::from_str(r#"{"*": ["make"], "api": [["go", "test"]]}"#).expect("a table is taken");
        let api = RepoName::parse("api").expect("a name");
        let web = RepoName::parse("web").expect("a name");
        let shown = |repo| commands.of_repo(repo).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(shown(&api), ["make", "go test"]);
        assert_eq!(shown(&web), ["make"]);
        let text = serde_json::to_string(&commands).expect("it serializes");
        assert_eq!(serde_json::from_str::<TestCommands>(&text).ok(), Some(commands));
    }
}
