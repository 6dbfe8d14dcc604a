//! The skills of agent profiles: found by their checked names in three places, and put where the agent can read them.

use super::{Control, ServiceError, ServiceResult};
use crate::model::AgentName;
use crate::policy::{AgentProfile, Policy};
use crate::sys::process::quoted;
use crate::sys::{SysError, env, files};
use std::path::{Path, PathBuf};

const FILE: &str = "SKILL.md";
const FILE_CAP: u64 = 1 << 20;
/// How much of a skill is copied: its text and what lies beside it.
const MOST_FILES: usize = 200;
const MOST_BYTES: u64 = 8 << 20;
const DEPTH: usize = 6;

/// A skill that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Skill {
    name: String,
    /// Its directory, without links in its path.
    dir: PathBuf,
    /// Whether the control repository holds it.
    is_ours: bool,
}

/// Requires that every skill of these profiles is there; all that are missing are named at once, with the places.
pub(super) fn require_all(control: &Control, profiles: &[&AgentProfile]) -> ServiceResult<()> {
    let mut missing: Vec<String> = Vec::new();
    let mut first = None;
    for profile in profiles {
        for name in &profile.skills {
            if let Err(why) = find(control.repo.worktree(), env::home().as_deref(), name) {
                first.get_or_insert_with(|| name.clone());
                missing.push(format!("The skill '{name}' of the profile '{}' {why}.", profile.name));
            }
        }
    }
    let Some(first) = first else { return Ok(()) };
    let dir = quoted(&format!(".metawsm/skills/{first}"));
    let make = format!("mkdir -p {dir} && ${{EDITOR:-vi}} {dir}/{FILE}");
    Err(ServiceError::failed(missing.join(" "), &[&make, "git metawsm policy show"]))
}

/// The profiles that a policy names at all, for `policy check`.
pub(super) fn of_policy(policy: &Policy) -> Vec<&AgentProfile> {
    policy.agent_profiles.iter().collect()
}

/// The files that an agent of this profile reads first. A skill of the control repository is read in the agent's own
/// worktree where that has it, else as a copy beside the worktrees.
pub(super) fn for_agent(
    control: &Control,
    names: &[String],
    workspace: &Path,
    cwd: &Path,
) -> ServiceResult<Vec<String>> {
    let mut paths = Vec::new();
    for name in names {
        let skill = find(control.repo.worktree(), env::home().as_deref(), name).map_err(|why| {
            ServiceError::failed(format!("The skill '{name}' {why}."), &["git metawsm policy check"])
        })?;
        let path = if skill.is_ours { readable(&skill, workspace, cwd)? } else { skill.dir.join(FILE) };
        paths.push(path.to_string_lossy().into_owned());
    }
    Ok(paths)
}

fn readable(skill: &Skill, workspace: &Path, cwd: &Path) -> ServiceResult<PathBuf> {
    let own = cwd.join(".metawsm/skills").join(&skill.name).join(FILE);
    let same = |path: &Path| files::find_foreign(path, FILE_CAP).ok().flatten();
    if same(&own).is_some() && same(&own) == same(&skill.dir.join(FILE)) {
        return Ok(own);
    }
    let top = workspace.join(".metawsm/skills");
    let to = top.join(&skill.name);
    for dir in [&top, &to] {
        // A link that somebody put there would lead the copy anywhere.
        if dir.symlink_metadata().is_ok_and(|meta| !meta.is_dir()) {
            files::remove_durable(dir)?;
        }
    }
    files::remove_tree(&to)?;
    copy(&skill.dir, &to, DEPTH, &mut (MOST_FILES, MOST_BYTES))?;
    Ok(to.join(FILE))
}

/// Copies the regular files of a skill; links are neither copied nor followed.
fn copy(from: &Path, to: &Path, depth: usize, left: &mut (usize, u64)) -> ServiceResult<()> {
    for name in files::names_in(from)? {
        let path = from.join(&name);
        let meta = path.symlink_metadata().map_err(|e| SysError::file("read", &path, e))?;
        if meta.is_dir() && depth > 0 {
            copy(&path, &to.join(&name), depth - 1, left)?;
        }
        if !meta.is_file() {
            continue;
        }
        let bytes = files::find_foreign(&path, left.1.min(MOST_BYTES))?.unwrap_or_default();
        let Some(count) = left.0.checked_sub(1) else {
            let message = format!("The skill in {} has more than {MOST_FILES} files.", from.display());
            return Err(ServiceError::failed(
                message,
                &[&format!("ls -R {}", quoted(&from.to_string_lossy()))],
            ));
        };
        *left = (count, left.1.saturating_sub(bytes.len() as u64));
        files::write_atomic(&to.join(&name), &bytes)?;
    }
    Ok(())
}

/// Finds a skill; else says, as the rest of a sentence, why there is none.
fn find(top: Option<&Path>, home: Option<&Path>, name: &str) -> Result<Skill, String> {
    if AgentName::parse(name).is_err() {
        return Err("has no name that a skill can have".to_owned());
    }
    let ours = top.map(|top| top.join(".metawsm/skills"));
    let of_user = home.into_iter().flat_map(|home| [home.join(".codex/skills"), home.join(".claude/skills")]);
    let mut looked = Vec::new();
    for (place, is_ours) in ours.into_iter().map(|p| (p, true)).chain(of_user.map(|p| (p, false))) {
        let file = place.join(name).join(FILE);
        if file.symlink_metadata().is_err() {
            looked.push(file.display().to_string());
            continue;
        }
        let inside = file.canonicalize().ok().filter(|real| real.starts_with(files::real_path(&place)));
        let Some(real) = inside else {
            return Err(format!("is a link that leads out of {}", place.display()));
        };
        let bytes = files::find_foreign(&real, FILE_CAP).map_err(|e| format!("cannot be used: {e}"))?;
        if bytes.is_none_or(|bytes| bytes.trim_ascii().is_empty()) {
            return Err(format!("is empty: {}", file.display()));
        }
        let dir = real.parent().unwrap_or(&place).to_owned();
        return Ok(Skill { name: name.to_owned(), dir, is_ours });
    }
    Err(format!("is nowhere; looked for {}", looked.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    struct Places {
        dir: tempfile::TempDir,
    }

    impl Places {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("temp");
            fs::create_dir_all(dir.path().join("repo/.metawsm/skills")).expect("dir");
            fs::create_dir_all(dir.path().join("home/.codex/skills")).expect("dir");
            Self { dir }
        }

        fn at(&self, path: &str) -> PathBuf {
            self.dir.path().join(path)
        }

        fn skill(&self, place: &str, text: &str) -> PathBuf {
            let path = self.at(place).join(FILE);
            files::write_atomic(&path, text.as_bytes()).expect("written");
            path
        }

        fn find(&self, name: &str) -> Result<Skill, String> {
            find(Some(&self.at("repo")), Some(&self.at("home")), name)
        }
    }

    #[test]
    fn the_repository_comes_before_the_users_own_skills() {
        let places = Places::new();
        places.skill("home/.claude/skills/diary", "d");
        assert!(places.find("diary").is_ok_and(|skill| !skill.is_ours));
        places.skill("home/.codex/skills/diary", "d");
        assert!(places.find("diary").is_ok_and(|skill| skill.dir.ends_with("home/.codex/skills/diary")));
        places.skill("repo/.metawsm/skills/diary", "d");
        assert!(places.find("diary").is_ok_and(|skill| skill.is_ours));
        let missing = places.find("other").expect_err("it is nowhere");
        for place in
            ["repo/.metawsm/skills/other/", "home/.codex/skills/other/", "home/.claude/skills/other/"]
        {
            assert!(missing.contains(place), "{missing}");
        }
    }

    #[test]
    fn odd_names_links_out_and_files_that_are_none_are_refused() {
        let places = Places::new();
        places.skill("secret", "s");
        for name in ["../../secret", "..", "", "a/b", ".hidden", "a b"] {
            assert!(places.find(name).is_err_and(|why| why.contains("no name")), "{name:?}");
        }
        let out = places.at("repo/.metawsm/skills/out");
        symlink(places.at("secret"), out).expect("a link");
        assert!(places.find("out").is_err_and(|why| why.contains("leads out of")));
        fs::create_dir_all(places.at("repo/.metawsm/skills/dir").join(FILE)).expect("dir");
        assert!(places.find("dir").is_err_and(|why| why.contains("not a regular file")));
        places.skill("repo/.metawsm/skills/empty", " \n");
        assert!(places.find("empty").is_err_and(|why| why.contains("is empty")));
        places.skill("repo/.metawsm/skills/big", &"x".repeat(2 << 20));
        assert!(places.find("big").is_err_and(|why| why.contains("at most")));
    }

    #[test]
    fn a_skill_is_copied_where_the_agent_has_none_and_links_are_left_out() {
        let places = Places::new();
        let file = places.skill("repo/.metawsm/skills/diary", "read me");
        files::write_atomic(&file.with_file_name("more/part.md"), b"part").expect("written");
        fs::write(file.with_file_name("script.sh"), "true").expect("written");
        symlink("/etc/passwd", file.with_file_name("link")).expect("a link");
        let skill = places.find("diary").expect("it is there");
        fs::create_dir_all(places.at("ws/.metawsm")).expect("dir");
        symlink(places.at("home"), places.at("ws/.metawsm/skills")).expect("a link");
        let path = readable(&skill, &places.at("ws"), &places.at("ws/repo")).expect("copied");
        assert_eq!(path, places.at("ws/.metawsm/skills/diary/SKILL.md"));
        let names = files::names_in(&places.at("ws/.metawsm/skills/diary")).expect("listed");
        assert_eq!(names, ["SKILL.md", "more", "script.sh"]);
        assert!(!places.at("home/diary").exists(), "the link was not followed");
        places.skill("ws/repo/.metawsm/skills/diary", "read me");
        let own = readable(&skill, &places.at("ws"), &places.at("ws/repo")).expect("there");
        assert_eq!(own, places.at("ws/repo/.metawsm/skills/diary/SKILL.md"));
    }
}
