//! The files by which agents and we speak to each other (behaviour 6): their names.

/// The directory of signal files, in the workspace and in the doc home.
const DIR: &str = ".metawsm/";
/// Where taken signals go, below [`DIR`].
const SEEN: &str = "seen/";

/// What a signal file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalKind {
    /// An agent asks.
    Question,
    /// We answer.
    Answer,
    /// An agent says that its work is done.
    Completion,
    /// An agent says what its validation came to.
    Validation,
}

impl SignalKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Question, Self::Answer, Self::Completion, Self::Validation];

    /// The beginning of its file's name; `-<agent>` and `.json` may follow.
    pub fn stem(self) -> &'static str {
        match self {
            Self::Question => "guidance-request",
            Self::Answer => "guidance-response",
            Self::Completion => "implementation-complete",
            Self::Validation => "validation-result",
        }
    }

    /// What people call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::Answer => "answer",
            Self::Completion => "completion",
            Self::Validation => "validation",
        }
    }

    /// The name of its file, with the agent that it carries where several share a place.
    pub fn file(self, agent: Option<&str>) -> String {
        match agent {
            Some(agent) => format!("{}-{agent}.json", self.stem()),
            None => format!("{}.json", self.stem()),
        }
    }

    /// The kind of a file by its name, and the agent that the name carries.
    pub fn of_file(name: &str) -> Option<(Self, Option<&str>)> {
        let stem = name.strip_suffix(".json")?;
        Self::ALL.into_iter().find_map(|kind| {
            let rest = stem.strip_prefix(kind.stem())?;
            if rest.is_empty() {
                Some((kind, None))
            } else {
                rest.strip_prefix('-').map(|agent| (kind, Some(agent)))
            }
        })
    }
}

/// Whether a path of a worktree, `/` between its parts, is a signal file: those are no dirt.
pub fn is_signal_path(path: &str) -> bool {
    let Some(rest) = path.strip_prefix(DIR) else { return false };
    rest.starts_with(SEEN) || SignalKind::of_file(rest).is_some_and(|_| !rest.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_tells_kind_and_agent() {
        assert_eq!(SignalKind::of_file("guidance-request.json"), Some((SignalKind::Question, None)));
        let named = SignalKind::of_file("implementation-complete-coder-2.json");
        assert_eq!(named, Some((SignalKind::Completion, Some("coder-2"))));
        for other in
            ["guidance-requests.json", "guidance-request.json.bak", "policy.json", "guidance-request"]
        {
            assert_eq!(SignalKind::of_file(other), None, "{other}");
        }
    }

    #[test]
    fn only_signal_files_are_no_dirt() {
        for path in
            [".metawsm/guidance-request.json", ".metawsm/implementation-complete-a.json", ".metawsm/seen/x"]
        {
            assert!(is_signal_path(path), "{path}");
        }
        for path in
            [".metawsm/policy.json", "guidance-request.json", ".metawsm/x/guidance-request.json", ".metawsm/"]
        {
            assert!(!is_signal_path(path), "{path}");
        }
    }
}
