//! The closing of one ticket's documents, by whoever keeps the tickets of its run.

use super::publish::decided_at;
use super::{ServiceResult, policies};
use crate::git::{Checkout, Repository};
use crate::model::Run;
use crate::tickets::{Closing, Provider, closed_bytes};

/// Closes tickets of a run whose documents lie in one commit.
pub(super) struct Closer<'a> {
    repository: &'a Repository,
    commit: &'a str,
    run: &'a Run,
    keeper: Provider,
    /// The commit in files, for a keeper that works on files; made for the first ticket that needs it.
    checkout: Option<Checkout>,
}

impl<'a> Closer<'a> {
    /// `commit` is a full id. The caller holds the repository's lock.
    pub fn of(repository: &'a Repository, commit: &'a str, run: &'a Run) -> ServiceResult<Self> {
        Ok(Self { repository, commit, run, keeper: policies::keeper(run)?, checkout: None })
    }

    /// What closing makes of a ticket's index and changelog (`before`); `dir` is its directory in the commit. A closed
    /// ticket is left as it is.
    pub fn close(
        &mut self,
        dir: &str,
        before: (&[u8], Option<&[u8]>),
        entry: &str,
    ) -> ServiceResult<Closing> {
        // The time of the decision: the same record always gives the same bytes.
        let ours = || {
            let title = format!("Closed by {}", self.run.id);
            closed_bytes(before.0, before.1, entry, &title, decided_at(self.run))
        };
        let ours = ours()?;
        if self.keeper == Provider::Builtin || ours.already {
            return Ok(ours);
        }
        let checkout = match self.checkout.take() {
            Some(checkout) => checkout,
            None => self.repository.checkout(self.commit)?,
        };
        let theirs = self.keeper.close(&checkout.path(), dir, entry);
        self.checkout = Some(checkout);
        Ok(theirs?.unwrap_or(ours))
    }
}
