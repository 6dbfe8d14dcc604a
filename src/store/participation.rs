//! Who takes part: in every repository of an open run, what its hooks need, in `<its common dir>/metawsm/`.
//!
//! `open/<run-id>` says which branches of which run live here; the directory `open` is there only while it holds
//! an entry, so that hooks can fall asleep on one `[ -d ]`. `roots` names the control repositories, one a line;
//! `bases` the full refs that open runs merge into, one a line, for hooks in sh that must not start us for nothing.
//! All change only under the repository's lock. `roots` and `bases` are written before an entry and cut after it, so
//! a kill leaves at most a name too many, never an entry that nobody finds or no hook asks about.

use super::live::dir_of;
use super::{StoreError, StoreResult, path_list, temps};
use crate::model::{RunId, sha256_hex};
use crate::sys::{files, lock};
use serde::{Deserialize, Serialize};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

const FORMAT: u32 = 1;
const KIND: &str = "open";

/// One run's part in one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenEntry {
    /// The run.
    pub run: RunId,
    /// The control repository: its worktree, or its common directory where it is bare.
    pub root: PathBuf,
    /// The branch merged into, without `refs/heads/`.
    pub base: String,
    /// The run's branches here, without `refs/heads/`, in ticket order.
    pub branches: Vec<String>,
    /// Their worktrees, in the same order.
    pub worktrees: Vec<PathBuf>,
    /// The heads after provisioning, in the same order; empty before.
    pub starts: Vec<String>,
}

impl OpenEntry {
    /// Whether the control repository is still there.
    pub fn root_exists(&self) -> bool {
        self.root.is_dir()
    }
}

#[derive(Serialize, Deserialize)]
struct Form {
    format: u32,
    kind: String,
    #[serde(flatten)]
    entry: OpenEntry,
}

/// The lock file of a repository.
pub(super) fn repo_lock(common_dir: &Path) -> PathBuf {
    dir_of(common_dir).join("locks").join("repo.lock")
}

/// Takes the lock under which refs, worktrees, hooks, `open/` and `info/exclude` of a repository change. Several
/// repositories are locked in the order of their paths, after the run.
pub fn lock_repo(common_dir: &Path, command: &str, wait: Duration) -> StoreResult<lock::Lock> {
    let command = command.lines().next().unwrap_or_default();
    Ok(lock::take(
        &repo_lock(common_dir),
        &format!("Repository {}", common_dir.display()),
        command,
        "",
        wait,
    )?)
}

/// Errors unless this is the repository's own lock.
pub(super) fn require_repo_lock(common_dir: &Path, held: &lock::Lock) -> StoreResult<()> {
    let needed = repo_lock(common_dir);
    let file = |path: &Path| path.metadata().map(|m| (m.dev(), m.ino())).ok();
    if held.path() == needed || file(&needed).is_some_and(|f| file(held.path()) == Some(f)) {
        return Ok(());
    }
    Err(StoreError::WrongLock { dir: common_dir.to_owned(), needed, held: held.path().to_owned() })
}

fn open_dir(common_dir: &Path) -> PathBuf {
    dir_of(common_dir).join("open")
}

fn roots_file(common_dir: &Path) -> PathBuf {
    dir_of(common_dir).join("roots")
}

fn load(path: &Path) -> StoreResult<Option<OpenEntry>> {
    let broken = |why: String| StoreError::Broken { path: path.to_owned(), why };
    let Some(text) = files::find_text(path)? else { return Ok(None) };
    let head: toml::Table = toml::from_str(&text).map_err(|e| broken(e.message().to_owned()))?;
    let format = head.get("format").and_then(toml::Value::as_integer).unwrap_or(0);
    let form: Result<Form, _> = toml::from_str(&text);
    match (form, u32::try_from(format)) {
        (Ok(form), Ok(format)) if format > 0 && form.kind == KIND => Ok(Some(form.entry)),
        (Err(_), Ok(format)) if format > FORMAT => Err(StoreError::Newer { path: path.to_owned(), format }),
        (Err(e), _) => Err(broken(e.message().to_owned())),
        (Ok(_), _) => Err(broken("it is no entry of an open run".to_owned())),
    }
}

fn bases_file(common_dir: &Path) -> PathBuf {
    dir_of(common_dir).join("bases")
}

/// Writes down which refs the hooks ask about: the bases of these entries. What an entry says that cannot be read
/// is not known: then no base leaves.
fn save_bases(common_dir: &Path, entries: &[StoreResult<OpenEntry>]) -> StoreResult<()> {
    let file = bases_file(common_dir);
    let before = path_list::load(&file)?;
    let is_unsure = entries.iter().any(Result::is_err);
    let bases = entries.iter().flatten().map(|entry| PathBuf::from(format!("refs/heads/{}", entry.base)));
    let mut bases: Vec<_> = bases.chain(before.iter().filter(|_| is_unsure).cloned()).collect();
    bases.sort();
    bases.dedup();
    if bases == before { Ok(()) } else { path_list::save(&file, &bases) }
}

/// Every file in `open/` with what it says.
fn all(common_dir: &Path) -> Vec<(PathBuf, StoreResult<OpenEntry>)> {
    let dir = open_dir(common_dir);
    let names = match files::names_in(&dir) {
        Ok(names) => names,
        Err(e) => return vec![(dir, Err(e.into()))],
    };
    let entries = names.iter().filter(|n| !n.starts_with(files::TEMP_PREFIX)).map(|n| dir.join(n));
    entries.filter_map(|path| load(&path).transpose().map(|entry| (path, entry))).collect()
}

/// Where the entry of this run lies or should lie. Two control repositories may have named a run alike; the
/// second one's entry carries a mark of its root behind a `~`, which is in no run id.
fn place(common_dir: &Path, run: &RunId, root: &Path) -> StoreResult<PathBuf> {
    let plain = open_dir(common_dir).join(run.as_str());
    let mark = &sha256_hex(root.as_os_str().as_bytes())[..8];
    let marked = open_dir(common_dir).join(format!("{run}~{mark}"));
    let taken = load(&plain)?.is_some_and(|entry| entry.root != root);
    Ok(if taken || marked.exists() { marked } else { plain })
}

/// Enters a run, or replaces its entry. One entry per run and repository: it lists all branches.
pub fn enter(common_dir: &Path, entry: &OpenEntry, held: &lock::Lock) -> StoreResult<()> {
    require_repo_lock(common_dir, held)?;
    let path = place(common_dir, &entry.run, &entry.root)?;
    let form = Form { format: FORMAT, kind: KIND.to_owned(), entry: entry.clone() };
    let text = toml::to_string_pretty(&form).map_err(|e| StoreError::Refused {
        id: entry.run.to_string(),
        why: format!("its entry {} cannot be written: {e}", path.display()),
    })?;
    path_list::add(&roots_file(common_dir), &entry.root)?;
    let before = all(common_dir).into_iter().map(|(_, entry)| entry);
    save_bases(common_dir, &before.chain([Ok(entry.clone())]).collect::<Vec<_>>())?;
    // `info/exclude` too is written under this lock alone.
    for dir in [open_dir(common_dir), common_dir.join("info")] {
        temps::sweep_dir(&dir)?;
    }
    Ok(files::write_atomic(&path, text.as_bytes())?)
}

/// Takes a run's entry out; one that is not there is fine. The control repository leaves `roots` with its last
/// entry, and `open/` goes when it is empty.
pub fn leave(common_dir: &Path, run: &RunId, root: &Path, held: &lock::Lock) -> StoreResult<()> {
    require_repo_lock(common_dir, held)?;
    files::remove_durable(&place(common_dir, run, root)?)?;
    let left = all(common_dir);
    // An entry that cannot be read may be this root's: then its name stays.
    if left.iter().all(|(_, entry)| entry.as_ref().is_ok_and(|e| e.root != root)) {
        path_list::remove(&roots_file(common_dir), root)?;
    }
    let is_last = left.is_empty();
    save_bases(common_dir, &left.into_iter().map(|(_, entry)| entry).collect::<Vec<_>>())?;
    if is_last && open_dir(common_dir).is_dir() {
        temps::sweep_dir(&open_dir(common_dir))?;
        // Somebody's own file in there keeps the directory, and the hooks awake; nothing worse.
        let _ = std::fs::remove_dir(open_dir(common_dir));
    }
    Ok(())
}

/// The runs that are open in this repository, by id, and the entries that cannot be read, each with the reason as a
/// sentence; both from one reading.
pub fn open_all(common_dir: &Path) -> (Vec<OpenEntry>, Vec<(PathBuf, String)>) {
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    for (path, entry) in all(common_dir) {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(error) => faults.push((path, error.to_string())),
        }
    }
    (entries, faults)
}

/// The runs that are open in this repository, by id.
pub fn open_entries(common_dir: &Path) -> Vec<OpenEntry> {
    open_all(common_dir).0
}

/// The control repositories that have open runs here; empty where none is known.
pub fn roots(common_dir: &Path) -> Vec<PathBuf> {
    path_list::load(&roots_file(common_dir)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{LONG, Place, run_id};
    use super::*;
    use std::fs;

    fn entry(run: &str, root: &Path) -> OpenEntry {
        OpenEntry {
            run: run_id(run),
            root: root.to_owned(),
            base: "main".to_owned(),
            branches: vec!["task/a".to_owned(), "task/b".to_owned()],
            worktrees: vec![PathBuf::from("/ws/a/app"), PathBuf::from("/ws/b/app")],
            starts: vec!["a".repeat(40), String::new()],
        }
    }

    #[test]
    fn a_repository_knows_its_open_runs_until_the_last_one_leaves() {
        let place = Place::new();
        let common = place.common();
        let (one, two) = (place.path().join("one"), place.path().join("two"));
        let lock = lock_repo(&common, "run", LONG).expect("lock");
        assert_eq!((open_entries(&common), roots(&common)), (vec![], vec![]));
        let entries = [entry("r1", &one), entry("r2", &one), entry("r3", &two)];
        for entry in &entries {
            enter(&common, entry, &lock).expect("enter");
            enter(&common, entry, &lock).expect("again");
        }
        assert_eq!(open_entries(&common), entries);
        assert_eq!(roots(&common), [one.clone(), two.clone()]);
        leave(&common, &run_id("r1"), &one, &lock).expect("leave");
        leave(&common, &run_id("r1"), &one, &lock).expect("again");
        assert_eq!(roots(&common), [one.clone(), two.clone()]);
        leave(&common, &run_id("r2"), &one, &lock).expect("leave");
        assert_eq!(roots(&common), std::slice::from_ref(&two));
        fs::write(common.join("metawsm/open/.tmp-left"), "").expect("what a kill left");
        leave(&common, &run_id("r3"), &two, &lock).expect("leave");
        for gone in ["open", "roots", "bases"] {
            assert!(!common.join("metawsm").join(gone).exists(), "{gone}");
        }
    }

    #[test]
    fn two_control_repositories_may_name_a_run_alike() {
        let place = Place::new();
        let common = place.common();
        let lock = lock_repo(&common, "run", LONG).expect("lock");
        let (a, b) = (entry("same", Path::new("/one")), entry("same", Path::new("/two")));
        enter(&common, &a, &lock).expect("enter");
        enter(&common, &b, &lock).expect("enter");
        assert_eq!(open_entries(&common), [a.clone(), b.clone()]);
        leave(&common, &a.run, &a.root, &lock).expect("leave");
        let b = OpenEntry { base: "trunk".to_owned(), ..b };
        enter(&common, &b, &lock).expect("enter");
        assert_eq!(open_entries(&common), std::slice::from_ref(&b));
        leave(&common, &a.run, &a.root, &lock).expect("leave");
        assert_eq!(open_entries(&common), std::slice::from_ref(&b));
        leave(&common, &b.run, &b.root, &lock).expect("leave");
        assert_eq!(open_entries(&common), []);
    }

    #[test]
    fn hooks_find_the_bases_of_all_entries_one_a_line() {
        let place = Place::new();
        let common = place.common();
        let lock = lock_repo(&common, "run", LONG).expect("lock");
        let bases = || fs::read_to_string(common.join("metawsm/bases")).unwrap_or_default();
        let root = Path::new("/one");
        let trunk = OpenEntry { base: "trunk".to_owned(), ..entry("r2", root) };
        for entry in [&entry("r1", root), &trunk, &entry("r3", root)] {
            enter(&common, entry, &lock).expect("enter");
        }
        assert_eq!(bases(), "refs/heads/main\nrefs/heads/trunk\n");
        leave(&common, &run_id("r1"), root, &lock).expect("leave");
        assert_eq!(bases(), "refs/heads/main\nrefs/heads/trunk\n");
        leave(&common, &run_id("r3"), root, &lock).expect("leave");
        assert_eq!(bases(), "refs/heads/trunk\n");
        // What nobody can read may be of any base.
        fs::write(common.join("metawsm/open/r4"), "nonsense").expect("write");
        leave(&common, &run_id("r2"), root, &lock).expect("leave");
        assert_eq!(bases(), "refs/heads/trunk\n");
    }

    #[test]
    fn a_broken_entry_is_named_and_keeps_the_roots() {
        let place = Place::new();
        let common = place.common();
        let lock = lock_repo(&common, "run", LONG).expect("lock");
        enter(&common, &entry("r1", Path::new("/one")), &lock).expect("enter");
        fs::write(common.join("metawsm/open/r2"), "nonsense").expect("write");
        fs::write(common.join("metawsm/open/r3"), "format = 9\nkind = \"open\"\n").expect("write");
        assert_eq!(open_entries(&common).len(), 1);
        let faults = open_all(&common).1;
        assert!(
            faults[0].1.contains("open/r2 cannot be used") && faults[1].1.contains("format 9"),
            "{faults:?}"
        );
        leave(&common, &run_id("r1"), Path::new("/one"), &lock).expect("leave");
        assert_eq!(roots(&common), [Path::new("/one")]);
    }

    #[test]
    fn only_the_lock_of_this_repository_opens_it() {
        let place = Place::new();
        let other = place.path().join("other/.git");
        let lock = lock_repo(&other, "run", LONG).expect("lock");
        let refused = enter(&place.common(), &entry("r1", Path::new("/one")), &lock).expect_err("wrong lock");
        assert!(matches!(refused, StoreError::WrongLock { .. }), "{refused}");
        std::os::unix::fs::symlink(place.path().join("other"), place.path().join("alias")).expect("link");
        enter(&place.path().join("alias/.git"), &entry("r1", Path::new("/one")), &lock)
            .expect("the same place");
    }

    #[test]
    fn an_entry_of_format_1_is_read_for_ever() {
        let frozen = include_str!("../../fixtures/store/v1/open");
        let place = Place::new();
        let common = place.common();
        let lock = lock_repo(&common, "run", LONG).expect("lock");
        let entry = entry("run-20250304-050607-abcd", Path::new("/code/control"));
        enter(&common, &entry, &lock).expect("enter");
        let file = common.join("metawsm/open/run-20250304-050607-abcd");
        assert_eq!(fs::read_to_string(&file).expect("read"), frozen);
        assert_eq!(open_entries(&common), [entry]);
    }
}
