//! Whether libgit2 may say if a worktree is clean: only where it is known to agree with git.

use super::Repository;
use crate::sys::{env, files};
use git2::{IndexEntryExtendedFlag, IndexEntryFlag};
use std::path::Path;

/// Keys that, set at all, give the question to git.
const FOREIGN_KEYS: &str = "^(core\\.(sparsecheckout|sparsecheckoutcone|splitindex|autocrlf|eol|symlinks|\
    ignorecase|checkstat|trustctime|worktree|attributesfile|precomposeunicode|ignorestat)|index\\.sparse|\
    extensions\\..*)$";

/// Words in attributes after which a file on disk may differ from its blob and still be clean.
const FOREIGN_WORDS: [&str; 6] = ["filter", "text", "eol", "crlf", "ident", "working-tree-encoding"];

const MOST_ATTRIBUTES: u64 = 1 << 20;

/// Whether libgit2 may judge this worktree.
pub(super) fn may_judge(repo: &git2::Repository, place: &Repository) -> bool {
    let Some(top) = place.worktree() else { return false };
    config_is_plain(repo) && outer_attributes_are_absent(place) && index_is_plain(repo, top).unwrap_or(false)
}

fn config_is_plain(repo: &git2::Repository) -> bool {
    let Ok(config) = repo.config() else { return false };
    let Ok(mut entries) = config.entries(Some(FOREIGN_KEYS)) else { return false };
    while let Some(entry) = entries.next() {
        let Ok(entry) = entry else { return false };
        // `git init` and `clone` write harmless ones of these.
        let harmless = match entry.name_bytes() {
            b"core.autocrlf" | b"core.sparsecheckout" | b"core.ignorecase" | b"core.splitindex" => {
                entry.value_bytes() == b"false"
            }
            b"core.symlinks" | b"core.trustctime" => entry.value_bytes() == b"true",
            _ => false,
        };
        if !harmless {
            return false;
        }
    }
    !matches!(config.get_bool("core.filemode"), Ok(false))
}

fn outer_attributes_are_absent(place: &Repository) -> bool {
    let user = env::config_dir().map(|dir| dir.join("git/attributes"));
    let info = place.common_dir().join("info/attributes");
    ![Some(info), user, Some("/etc/gitattributes".into())].into_iter().flatten().any(|path| path.exists())
}

/// No submodules, no flags that hide edits, no attributes that convert.
fn index_is_plain(repo: &git2::Repository, top: &Path) -> Result<bool, git2::Error> {
    let hiding = IndexEntryExtendedFlag::SKIP_WORKTREE | IndexEntryExtendedFlag::INTENT_TO_ADD;
    for entry in repo.index()?.iter() {
        if entry.mode == 0o160_000
            || entry.flags & IndexEntryFlag::VALID.bits() != 0
            || entry.flags_extended & hiding.bits() != 0
        {
            return Ok(false);
        }
        let path = super::RepoPath::new(entry.path);
        match path.name() {
            b".gitmodules" => return Ok(false),
            b".gitattributes" if !converts_nothing(&path.under(top)) => return Ok(false),
            _ => {}
        }
    }
    Ok(true)
}

fn converts_nothing(attributes: &Path) -> bool {
    let Ok(Some(bytes)) = files::find_foreign(attributes, MOST_ATTRIBUTES) else { return false };
    let text = String::from_utf8_lossy(&bytes);
    !FOREIGN_WORDS.iter().any(|word| text.contains(word)) && !text.contains("binary")
}
