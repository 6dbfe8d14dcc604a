//! What the gates said.

/// One thing that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// What is wrong, a full sentence.
    pub what: String,
    /// Where: a repository, a worktree, an agent; empty for the run itself.
    pub place: String,
    /// The command that clears it, to be pasted.
    pub command: String,
}

/// A gate's blockers are let pass once, for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// The gate's id.
    pub gate: String,
    /// Why, in the words of who waived.
    pub reason: String,
}

/// How a gate stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It holds.
    Pass,
    /// It does not hold, and policy only warns.
    Warn,
    /// It does not hold, and was waived for this reason.
    Waived(String),
    /// It does not hold.
    Block,
    /// Policy does not judge it.
    Off,
}

impl Standing {
    /// The standing's word, as in receipts.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Waived(_) => "waived",
            Self::Block => "block",
            Self::Off => "off",
        }
    }
}

/// One gate's part of a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The gate's id.
    pub gate: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// Who answered: `git2`, `git`, both, or `us`.
    pub judge: String,
    /// Everything that is wrong, also where it only warns.
    pub blockers: Vec<Blocker>,
}

/// All gates of an action, judged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// One line per gate.
    pub lines: Vec<Line>,
}

/// Proof that a verdict has no blockers. Only [`Verdict::pass`] makes one.
#[derive(Debug, Clone)]
pub struct Pass {
    verdict: Verdict,
}

impl Verdict {
    /// Whether anything refuses.
    pub fn refuses(&self) -> bool {
        self.lines.iter().any(|line| line.standing == Standing::Block)
    }

    /// The lines that refuse.
    pub fn refusals(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.standing == Standing::Block)
    }

    /// The proof that nothing refuses, or the verdict back.
    pub fn pass(self) -> Result<Pass, Self> {
        if self.refuses() { Err(self) } else { Ok(Pass { verdict: self }) }
    }
}

impl Pass {
    /// What was judged.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}
