//! The shims: what stands in a hook file for each hook of ours.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A hook of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shim {
    /// git's name of the hook.
    pub name: &'static str,
    text: &'static str,
}

/// Stops moves of a base that no other hook sees.
const REFERENCE_TRANSACTION: Shim =
    Shim { name: "reference-transaction", text: include_str!("../../hooks/reference-transaction") };

/// The hooks of a repository in which runs are open.
pub const USUAL: [Shim; 5] = [
    Shim { name: "pre-commit", text: include_str!("../../hooks/pre-commit") },
    Shim { name: "commit-msg", text: include_str!("../../hooks/commit-msg") },
    Shim { name: "pre-merge-commit", text: include_str!("../../hooks/pre-merge-commit") },
    Shim { name: "pre-push", text: include_str!("../../hooks/pre-push") },
    REFERENCE_TRANSACTION,
];

/// The hook of a repository that others push to.
pub const ON_SERVER: Shim = Shim { name: "update", text: include_str!("../../hooks/update") };

/// Who put a hook in: what a run brought goes with the last run, what a person asked for stays until they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// `run`, for as long as a run is open.
    Run,
    /// `hooks install`.
    Person,
}

impl By {
    /// How the block says so.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Run => "Installed by 'git metawsm run'; goes when no run is open here.",
            Self::Person => {
                "Installed by 'git metawsm hooks install'; 'git metawsm hooks uninstall' removes it."
            }
        }
    }
}

impl Shim {
    /// Whether this is the hook that git runs for every move of a ref, whose cost is felt.
    pub fn is_strict(self) -> bool {
        self.name == REFERENCE_TRANSACTION.name
    }

    /// The lines of the block for a program at this path.
    pub(super) fn lines(self, program: &Path, by: By) -> Vec<u8> {
        let quoted = quoted(program.as_os_str());
        let text = self.text.replace("@WHY@", by.words());
        let mut parts = text.split("@PROGRAM@");
        let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            bytes.extend_from_slice(&quoted);
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

/// The line that calls a hook from a hook manager's own file.
pub fn by_hand(name: &str, program: &Path) -> String {
    let program = String::from_utf8_lossy(&quoted(program.as_os_str())).into_owned();
    format!(
        "[ ! -d \"$(git rev-parse --git-common-dir)/metawsm/open\" ] || {program} hooks run {name} \"$@\" || exit 1"
    )
}

/// A word for sh that holds any bytes.
fn quoted(word: &OsStr) -> Vec<u8> {
    let mut bytes = vec![b'\''];
    for byte in word.as_bytes() {
        match byte {
            b'\'' => bytes.extend_from_slice(b"'\\''"),
            other => bytes.push(*other),
        }
    }
    bytes.push(b'\'');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::Cmd;

    #[test]
    fn every_shim_is_sh_whatever_the_name_of_the_program() {
        let odd = OsStr::from_bytes(b"/odd '\"$(x)`y`\\ \xff\n#/git metawsm");
        for shim in USUAL.iter().chain([&ON_SERVER]) {
            let lines = shim.lines(Path::new(odd), By::Run);
            assert!(!lines.windows(9).any(|w| w == b"@PROGRAM@") && !lines.windows(5).any(|w| w == b"@WHY@"));
            let cmd = Cmd::new("sh").arg("-n").stdin(lines);
            cmd.run().unwrap_or_else(|e| panic!("{}: {e}", shim.name));
        }
    }
}
