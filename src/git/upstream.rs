//! Remotes and what branches follow.

use super::refs::{branch_ref, found};
use super::{GitResult, Repository};

/// What a branch follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The remote, `.` for this repository.
    pub remote: String,
    /// The full name of the ref there.
    pub remote_ref: String,
    /// The full name of the local ref that tracks it.
    pub tracking_ref: String,
    /// Where the tracking ref is; `None` where it is missing.
    pub id: Option<String>,
}

impl Repository {
    /// What a local branch follows; `None` where it follows nothing.
    pub fn upstream(&self, branch: &str) -> GitResult<Option<Upstream>> {
        let found = self.answer(
            |repo| {
                let name = branch_ref(branch);
                let config = repo.config()?.snapshot()?;
                let remote = found(config.get_string(&format!("branch.{branch}.remote")))?;
                let remote_ref = found(config.get_string(&format!("branch.{branch}.merge")))?;
                let (Some(remote), Some(remote_ref)) = (remote, remote_ref) else { return Ok(None) };
                let Some(tracking) = found(repo.branch_upstream_name(&name))? else { return Ok(None) };
                let tracking_ref = String::from_utf8_lossy(&tracking).into_owned();
                Ok(Some(Upstream { remote, remote_ref, tracking_ref, id: None }))
            },
            || self.upstream_by_git(branch),
        )?;
        let Some(mut upstream) = found else { return Ok(None) };
        upstream.id = self.ref_id(&upstream.tracking_ref)?;
        Ok(Some(upstream))
    }

    fn upstream_by_git(&self, branch: &str) -> GitResult<Option<Upstream>> {
        let format = "--format=%(refname)%00%(upstream:remotename)%00%(upstream:remoteref)%00%(upstream)";
        let name = branch_ref(branch);
        let text = self.question().args(["for-each-ref", format, &name]).run()?.text();
        let line = text.lines().map(|l| l.split('\0').collect::<Vec<_>>()).find(|fields| fields[0] == name);
        let Some([_, remote, remote_ref, tracking]) = line.as_deref() else { return Ok(None) };
        Ok((!tracking.is_empty()).then(|| Upstream {
            remote: if remote.is_empty() { ".".to_owned() } else { (*remote).to_owned() },
            remote_ref: (*remote_ref).to_owned(),
            tracking_ref: (*tracking).to_owned(),
            id: None,
        }))
    }

    /// The branch that `origin/HEAD` names, without its remote.
    pub fn remote_head(&self) -> GitResult<Option<String>> {
        let target = self.answer(
            |repo| {
                let reference = found(repo.find_reference("refs/remotes/origin/HEAD"))?;
                Ok(reference.and_then(|r| r.symbolic_target().ok().flatten().map(str::to_owned)))
            },
            || {
                let output =
                    self.question().args(["symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"]).output()?;
                Ok(output.exit.is_ok().then(|| output.text()))
            },
        )?;
        Ok(target.and_then(|t| t.strip_prefix("refs/remotes/origin/").map(str::to_owned)))
    }

    /// The names of the remotes.
    pub fn remotes(&self) -> GitResult<Vec<String>> {
        self.answer(
            |repo| {
                let names = repo.remotes()?;
                Ok(names.iter_bytes().map(|n| String::from_utf8_lossy(n).into_owned()).collect())
            },
            || Ok(self.question().arg("remote").run()?.text().lines().map(str::to_owned).collect()),
        )
    }

    /// Where the remote-tracking branch of a remote's branch is.
    pub fn tracking_id(&self, remote: &str, branch: &str) -> GitResult<Option<String>> {
        self.ref_id(&format!("refs/remotes/{remote}/{branch}"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Sandbox;

    #[test]
    fn what_a_branch_follows_is_told_alike_by_libgit2_and_git() {
        let origin = Sandbox::new();
        let clone = origin.clone_of();
        clone.git(&["branch", "alone", "--no-track"]);
        clone.git(&["branch", "local", "--track", "main"]);
        let (quick, git) = (clone.repo(), clone.repo().asking_git_only());
        for branch in ["main", "alone", "local", "none"] {
            let told = quick.upstream(branch).expect("asked");
            assert_eq!(told, git.upstream(branch).expect("asked"), "{branch}");
            assert_eq!(told.is_some(), matches!(branch, "main" | "local"), "{branch}");
        }
        let upstream = quick.upstream("main").expect("asked").expect("follows");
        assert_eq!((upstream.remote.as_str(), upstream.remote_ref.as_str()), ("origin", "refs/heads/main"));
        assert_eq!(upstream.tracking_ref, "refs/remotes/origin/main");
        assert_eq!(upstream.id, Some(origin.id("main")));
        for repo in [quick, git] {
            assert_eq!(repo.remote_head().expect("asked").as_deref(), Some("main"));
            assert_eq!(repo.remotes().expect("asked"), ["origin"]);
        }
        assert_eq!(origin.repo().remote_head().expect("asked"), None);
    }
}
