//! The set-up scripts that repositories bring along for wsm (`.wsm/setup.sh`, `.wsm/setup.d/*`): what they are, and
//! whether this user trusts them. They are taken from commits, never from what an agent can write.

use super::base::{Wishes, base_of};
use super::repos::{Chosen, expand_home};
use super::{Caller, Control, ServiceError, ServiceResult, base, policies, repos};
use crate::git::{EntryKind, Repository};
use crate::model::{RepoName, Run, content_hash, plain_line, quoted, title_of};
use crate::policy::WorkspaceProvider;
use crate::store;
use std::path::Path;

/// The script at the top of a workspace.
pub(super) const TOP: &str = ".wsm/setup.sh";
/// The folder of the others.
pub(super) const FOLDER: &str = ".wsm/setup.d";
/// More is no set-up script.
const MOST_BYTES: usize = 256 * 1024;
/// So many of one repository.
const MOST_SCRIPTS: usize = 100;
/// How many lines are shown of each.
const LINES: usize = 3;

/// A set-up script as committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupScript {
    /// The repository; `None` for the control repository's own, which belong to the workspace as a whole.
    pub repo: Option<RepoName>,
    /// Where it lies in the repository.
    pub path: String,
    /// The hash of its content.
    pub hash: String,
    /// Its first lines.
    pub lines: Vec<String>,
    /// Whether this user trusts it.
    pub trusted: bool,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl SetupScript {
    fn new(repo: Option<&RepoName>, path: &str, bytes: Vec<u8>) -> Self {
        let text = String::from_utf8_lossy(&bytes);
        let told = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("#!"));
        let lines = told.take(LINES).map(|line| title_of(&plain_line(line), 100)).collect();
        let (repo, path) = (repo.cloned(), path.to_owned());
        let mut found = Self { repo, path, hash: content_hash(&bytes), lines, trusted: false, bytes };
        found.trusted = store::is_trusted(&found.trust_hash());
        found
    }

    /// What people call it.
    pub fn name(&self) -> String {
        self.repo.as_ref().map_or_else(|| self.path.clone(), |repo| format!("{repo}/{}", self.path))
    }

    /// What is trusted: this content as a set-up script of this name, in whatever repository.
    fn trust_hash(&self) -> String {
        let head = format!("set-up script {}\n", self.path);
        content_hash(&[head.as_bytes(), &self.bytes].concat())
    }

    fn file_name(&self) -> &str {
        self.path.rsplit_once('/').map_or(self.path.as_str(), |(_, name)| name)
    }
}

/// The scripts of a run or a plan in the order in which they run: the top one, then all others by name, as wsm sorts
/// them. The repositories come as name, repository and commit.
pub(super) fn scripts_of(
    control: &Control,
    repos: &[(RepoName, Repository, String)],
) -> ServiceResult<Vec<SetupScript>> {
    let own = repos.iter().find(|(_, repo, _)| repo.common_dir() == control.repo.common_dir());
    let mut top = Vec::new();
    let mut others = Vec::new();
    match own {
        Some((_, repo, commit)) => top.extend(top_script(repo, commit)?),
        None => {
            if let Some(base) = base::control_base(control)? {
                top.extend(top_script(&control.repo, &base.id)?);
                others.extend(folder_of(&control.repo, &base.id, None)?);
            }
        }
    }
    for (name, repo, commit) in repos {
        others.extend(folder_of(repo, commit, Some(name))?);
    }
    others.sort_by(|a, b| a.file_name().cmp(b.file_name()));
    top.extend(others);
    Ok(top)
}

fn top_script(repo: &Repository, commit: &str) -> ServiceResult<Option<SetupScript>> {
    let entries = repo.list_tree(commit, ".wsm", false)?;
    let found = entries.iter().find(|e| e.path.as_str() == Some(TOP) && is_file(e.mode, e.kind));
    let Some(found) = found else { return Ok(None) };
    let bytes = repo.read_blob(&found.id)?.filter(|bytes| bytes.len() <= MOST_BYTES);
    Ok(bytes.map(|bytes| SetupScript::new(None, TOP, bytes)))
}

/// The executable files of a repository's folder; what is no regular file, hidden or huge is passed over.
fn folder_of(repo: &Repository, commit: &str, name: Option<&RepoName>) -> ServiceResult<Vec<SetupScript>> {
    let mut found = Vec::new();
    for entry in repo.list_tree(commit, FOLDER, false)?.into_iter().take(MOST_SCRIPTS) {
        let Some(path) = entry.path.as_str() else { continue };
        if entry.mode != 0o100_755 || entry.kind != EntryKind::Blob {
            continue;
        }
        if let Some(bytes) = repo.read_blob(&entry.id)?.filter(|bytes| bytes.len() <= MOST_BYTES) {
            found.push(SetupScript::new(name, path, bytes));
        }
    }
    Ok(found)
}

fn is_file(mode: u32, kind: EntryKind) -> bool {
    kind == EntryKind::Blob && mode & 0o170_000 == 0o100_000
}

/// The scripts of repositories that were chosen for a run.
pub(super) fn of_chosen(control: &Control, chosen: &[Chosen]) -> ServiceResult<Vec<SetupScript>> {
    let repos: Vec<_> = chosen.iter().map(|c| (c.name.clone(), c.repo.clone(), c.base.id.clone())).collect();
    scripts_of(control, &repos)
}

/// The scripts of a run, as committed where its branches began.
pub(super) fn of_run(control: &Control, run: &Run) -> ServiceResult<Vec<SetupScript>> {
    let opened = run.repos.iter().map(|repo| {
        let opened = super::steps::open_repo(run, &repo.name)?;
        Ok((repo.name.clone(), opened, repo.base_id.clone()))
    });
    scripts_of(control, &opened.collect::<ServiceResult<Vec<_>>>()?)
}

/// What a person should know of the scripts before they run: which would, and which are not trusted.
pub(super) fn foretold(scripts: &[SetupScript]) -> Vec<String> {
    if scripts.is_empty() {
        return Vec::new();
    }
    if let Some(note) = untrusted_note(scripts) {
        return vec![note];
    }
    let names: Vec<_> = scripts.iter().map(SetupScript::name).collect();
    vec![format!("Set-up scripts run in each new workspace: {}.", names.join(", "))]
}

/// Why the scripts do not run; `None` where all of them are trusted.
pub(super) fn untrusted_note(scripts: &[SetupScript]) -> Option<String> {
    let untrusted: Vec<_> = scripts.iter().filter(|script| !script.trusted).collect();
    if untrusted.is_empty() {
        return None;
    }
    let names: Vec<_> = untrusted.iter().map(|script| script.name()).collect();
    Some(format!(
        "No set-up script runs, because you have not trusted {} yet; look at them with '{}'.",
        names.join(", "),
        trust_command(scripts)
    ))
}

fn trust_command(scripts: &[SetupScript]) -> String {
    let mut repos: Vec<_> =
        scripts.iter().filter_map(|script| script.repo.as_ref()).map(RepoName::as_str).collect();
    repos.sort_unstable();
    repos.dedup();
    match repos.as_slice() {
        [] => "git metawsm policy trust".to_owned(),
        repos => format!("git metawsm policy trust --repos {}", quoted(&repos.join(","))),
    }
}

/// Requires that everything is trusted that wsm would run of these commits, from which it starts (name, repository,
/// commit): it runs all of it without asking anybody.
pub(super) fn require_trust_for_wsm(repos: &[(RepoName, Repository, String)]) -> ServiceResult<()> {
    let mut scripts = Vec::new();
    for (name, repo, commit) in repos {
        if let Some((path, why)) = beyond_trust(repo, commit)? {
            let message = format!(
                "wsm would run {name}/{}, which cannot be trusted: {why}; workspace.provider = \"builtin\" passes it over.",
                title_of(&plain_line(&path), 200)
            );
            let dir = quoted(&repo.dir().display().to_string());
            return Err(ServiceError::forbidden(message, &[&format!("git -C {dir} show --stat {commit}")]));
        }
        scripts.extend(folder_of(repo, commit, Some(name))?);
    }
    let untrusted: Vec<_> = scripts.iter().filter(|script| !script.trusted).map(SetupScript::name).collect();
    if untrusted.is_empty() {
        return Ok(());
    }
    let message = format!("wsm runs set-up scripts that you have not trusted yet: {}.", untrusted.join(", "));
    Err(ServiceError::forbidden(message, &[&trust_command(&scripts)]))
}

/// What wsm would run of a commit although nobody can be asked to trust it, and why: it follows links wherever they lead,
/// and knows no caps.
fn beyond_trust(repo: &Repository, commit: &str) -> ServiceResult<Option<(String, String)>> {
    const LINK: &str = "it is a link";
    for (dir, name) in [("", ".wsm"), (".wsm", FOLDER)] {
        let entries = repo.list_tree(commit, dir, false)?;
        if entries.iter().any(|e| e.mode == 0o120_000 && e.path.as_str() == Some(name)) {
            return Ok(Some((name.to_owned(), LINK.to_owned())));
        }
    }
    let entries = repo.list_tree(commit, FOLDER, false)?;
    if entries.len() > MOST_SCRIPTS {
        let why = format!("it holds {} files, and at most {MOST_SCRIPTS} are looked at", entries.len());
        return Ok(Some((FOLDER.to_owned(), why)));
    }
    for entry in entries {
        let path = String::from_utf8_lossy(entry.path.as_bytes()).into_owned();
        if entry.mode == 0o120_000 {
            return Ok(Some((path, LINK.to_owned())));
        }
        let is_run = entry.mode == 0o100_755 && entry.kind == EntryKind::Blob;
        if is_run && entry.path.as_str().is_none() {
            return Ok(Some((path, "its name is no text".to_owned())));
        }
        if is_run && repo.read_blob(&entry.id)?.is_none_or(|bytes| bytes.len() > MOST_BYTES) {
            return Ok(Some((path, format!("it has more than {MOST_BYTES} bytes"))));
        }
    }
    Ok(None)
}

/// The scripts that `policy` speaks of: those of the control repository, of the repositories named by policy, by open
/// runs, and by `named`.
pub(super) fn of_policy(
    caller: &Caller,
    control: &Control,
    rules: &policies::Rules,
    named: &[String],
) -> ServiceResult<Vec<SetupScript>> {
    let by_wsm = rules.policy.workspace.provider == WorkspaceProvider::Wsm;
    let mut found = Commits { by_wsm, all: Vec::new() };
    if !named.is_empty() {
        for chosen in repos::choose(caller, control, named, None, &unfetched(rules))? {
            found.add(&chosen.name, &chosen.repo, &chosen.base.branch, chosen.base.id);
        }
    }
    let wishes = |name: &RepoName| Wishes {
        wish: rules.policy.workspace.bases.get(name).cloned(),
        habit: rules.policy.workspace.base_branch.clone(),
    };
    let listed = rules
        .policy
        .workspace
        .repos
        .iter()
        .map(|(name, path)| (name, control.root().join(expand_home(path))));
    for (name, dir) in listed {
        if let Some(repo) = discover(&dir)
            && let Ok(base) = base_of(&repo, &wishes(name), 0)
        {
            found.add(name, &repo, &base.branch, base.id);
        }
    }
    for entry in control.store.open_runs()? {
        let Some(run) = entry.run() else { continue };
        for repo in &run.repos {
            if let Some(opened) = repo.path.as_deref().and_then(discover) {
                found.add(&repo.name, &opened, &repo.base, repo.base_id.clone());
            }
        }
    }
    if let (Ok(name), Ok(base)) =
        (repos::name_of(&control.repo), base_of(&control.repo, &Wishes::default(), 0))
    {
        found.add(&name, &control.repo, &base.branch, base.id);
    }
    let mut scripts = scripts_of(control, &found.all)?;
    // The same content at several commits is one thing to trust.
    let mut seen = std::collections::BTreeSet::new();
    scripts.retain(|script| seen.insert((script.name(), script.hash.clone())));
    Ok(scripts)
}

/// The commits whose scripts are to be trusted.
struct Commits {
    /// wsm starts from the local branch, whatever its upstream holds.
    by_wsm: bool,
    all: Vec<(RepoName, Repository, String)>,
}

impl Commits {
    fn add(&mut self, name: &RepoName, repo: &Repository, base: &str, commit: String) {
        let local = if self.by_wsm { repo.branch_id(base).ok().flatten() } else { None };
        for commit in [Some(commit), local].into_iter().flatten() {
            let is_it = |(_, known, at): &(_, Repository, String)| {
                known.common_dir() == repo.common_dir() && *at == commit
            };
            if !self.all.iter().any(is_it) {
                self.all.push((name.clone(), repo.clone(), commit));
            }
        }
    }
}

fn unfetched(rules: &policies::Rules) -> crate::policy::Policy {
    let mut policy = rules.policy.clone();
    policy.workspace.fetch_seconds = 0;
    policy
}

fn discover(dir: &Path) -> Option<Repository> {
    Repository::discover(dir).ok().flatten()
}

/// Trusts these scripts, for this user and this content.
pub(super) fn trust(scripts: &mut [SetupScript]) -> ServiceResult<()> {
    for script in scripts {
        if !script.trusted {
            store::trust(&script.trust_hash(), &script.name())?;
            script.trusted = true;
        }
    }
    Ok(())
}
