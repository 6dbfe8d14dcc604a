//! From a plan to a transaction: every merge and the record as objects, then the intent that moves the bases.

use super::event::Progress;
use super::facts::Ground;
use super::intent::{Deed, Intent, Move};
use super::land::{Landing, Style, compose};
use super::publish::{Composed, Deciding};
use super::{Control, ServiceError, ServiceResult, publish, transaction};
use crate::gate::Action;
use crate::model::{CheckResult, MergeDone, Receipt, Run, RunState};
use crate::plan::MergePlan;
use crate::policy::{MergeStyle, Policy, Track};
use crate::store::{self, Hold};
use crate::sys::clock;
use jiff::Timestamp;

/// A plan being carried out.
pub(super) struct Work<'a> {
    pub control: &'a Control,
    pub hold: &'a mut Hold,
    pub plan: MergePlan,
    pub grounds: Vec<Ground>,
    pub policy: &'a Policy,
    pub checks: Vec<CheckResult>,
    pub policy_hash: String,
    pub waived: Vec<String>,
    /// Whether bases are pushed at the end.
    pub push: bool,
}

/// What a transaction did.
pub(super) struct Done {
    /// As sentences.
    pub acts: Vec<String>,
    /// The commit that holds the record, where it is in history.
    pub published: Option<String>,
}

/// Everything as objects; nothing has moved.
struct Composition {
    landings: Vec<Landing>,
    intent: Intent,
    /// What else a person should know, as sentences.
    said: Vec<String>,
}

impl Work<'_> {
    pub(super) fn carry_out(&mut self, progress: Progress<'_>) -> ServiceResult<Done> {
        let at = clock::now();
        // Until here nothing has moved: what cannot be composed leaves the run as it was.
        let Composition { landings, intent, said } = match self.compose_all(at) {
            Ok(composed) => composed,
            Err(error) => return Err(self.fall_back(error)?),
        };
        let published = intent.commit.clone();
        transaction::perform(self.control, self.hold, intent, progress)?;
        let mut acts = acts(self.hold.run(), &landings, published.as_deref(), self.policy);
        for what in &said {
            self.hold.note("documents", what)?;
        }
        acts.extend(said);
        Ok(Done { acts, published })
    }

    /// Writes down why nothing moves; gives the error back.
    fn fall_back(&mut self, error: ServiceError) -> ServiceResult<ServiceError> {
        self.hold.note("merge stopped", &error.to_string())?;
        if self.hold.run().state == RunState::Closing {
            self.hold.go(RunState::Completed, &format!("the close stopped: {error}"))?;
        }
        Ok(error)
    }

    /// Every merge and the record as objects, and what moves.
    fn compose_all(&mut self, at: Timestamp) -> ServiceResult<Composition> {
        let style =
            Style { squash: self.policy.merge.style == MergeStyle::Squash, waived: self.waived.clone() };
        let mut landings = Vec::new();
        for (ground, repo) in self.grounds.iter_mut().zip(&self.plan.repos) {
            // Our own git children are known by these marks: to our hooks, and to who finds one alive after us.
            ground.repository = ground.repository.with_hold(self.hold.token(), self.hold.run().id.as_str());
            landings.push(compose(self.hold.run(), ground, repo, &style)?);
        }
        landings.sort_by(|a, b| a.repository.common_dir().cmp(b.repository.common_dir()));
        // The record is the last to land: it must not say what has not happened.
        landings.sort_by_key(|l| l.is_control);
        let merges = merges_of(&landings, at);
        let receipt = (self.plan.action == Action::Close).then(|| self.receipt(&landings, at));
        let Composed { ids: published, said } =
            self.compose_records(&mut landings, &merges, receipt.as_ref(), at)?;
        let moves = landings.iter().filter(|l| l.moves()).map(|l| {
            let ends = (l.receipt.base.as_str(), l.local.as_deref(), l.tip.as_str());
            Move::of(&l.receipt.repo, &l.repository, ends)
        });
        let moves = moves.collect::<ServiceResult<Vec<_>>>()?;
        let deed = if self.plan.action == Action::Close { Deed::Close } else { Deed::Merge };
        let commit = (!published.is_empty())
            .then(|| landings.iter().find(|l| l.is_control).map(|l| l.tip.clone()))
            .flatten();
        let intent =
            Intent { push: self.push, published, commit, merges, receipt, ..Intent::new(deed, at, moves) };
        Ok(Composition { landings, intent, said })
    }

    fn receipt(&self, landings: &[Landing], at: Timestamp) -> Receipt {
        let mut repos: Vec<_> = landings.iter().map(|l| l.receipt.clone()).collect();
        for repo in &mut repos {
            // What an earlier `merge` of this run brought belongs to what the close stands for.
            let earlier = self.hold.run().merges.iter().filter(|done| {
                done.repo == repo.repo && done.base == repo.base && repo.heads.contains(&done.head)
            });
            let earlier: Vec<_> = earlier.map(|done| done.commit.clone()).collect();
            repo.merges.splice(0..0, earlier);
        }
        Receipt {
            at: Some(at),
            actor: self.control.repo.identity(),
            policy_hash: self.policy_hash.clone(),
            journal_hash: self.hold.journal_hash(),
            repos,
            gates: self.plan.gates.clone(),
            checks: self.checks.clone(),
        }
    }

    /// The closing of tickets and the records on top of the landings, and what comes into history.
    fn compose_records(
        &mut self,
        landings: &mut [Landing],
        merges: &[MergeDone],
        receipt: Option<&Receipt>,
        at: Timestamp,
    ) -> ServiceResult<Composed> {
        let common = self.control.repo.common_dir();
        // A fork's base in the control repository closes them by itself, and brings that along when it is merged.
        let is_fork_home = |l: &Landing| {
            !l.is_control && l.receipt.repo == self.hold.run().doc_home && l.repository.common_dir() == common
        };
        let closes_late = !landings.iter().any(is_fork_home);
        let deciding = receipt.map(|receipt| decided(self.hold.run(), merges, receipt, at)).transpose()?;
        let mut deciding = deciding.map(|run| Deciding { run, home: None, closes: closes_late });
        let mut published = Composed::default();
        for landing in landings {
            if !landing.is_control {
                if let Some(Deciding { run, home, .. }) =
                    deciding.as_mut().filter(|d| landing.receipt.repo == d.run.doc_home)
                {
                    let closing = publish::closable(self.control, run)?;
                    publish::close_tickets(self.control, landing, run, &closing)?;
                    *home = Some((landing.repository.clone(), landing.tip.clone()));
                }
            } else if self.policy.state.track == Track::Never {
                // Its tickets are closed all the same, and nobody would do it later.
                if let Some(deciding) = &deciding {
                    published.said = publish::close_unrecorded(self.control, landing, deciding)?;
                }
            } else if publish::may_publish(landing, self.push)? {
                published = publish::publish(self.control, landing, deciding.as_ref())?;
            } else if let Some(deciding) = &deciding {
                published.said = publish::awaited(self.control, landing, deciding)?;
            }
        }
        Ok(published)
    }
}

fn merges_of(landings: &[Landing], at: Timestamp) -> Vec<MergeDone> {
    let of = |landing: &Landing| {
        let (repo, base) = (landing.receipt.repo.clone(), landing.receipt.base.clone());
        let done = move |(ticket, head, commit): &(crate::model::TicketId, String, String)| MergeDone {
            at,
            ticket: ticket.clone(),
            repo: repo.clone(),
            base: base.clone(),
            head: head.clone(),
            commit: commit.clone(),
        };
        landing.merged.iter().map(done).collect::<Vec<_>>()
    };
    landings.iter().flat_map(of).collect()
}

/// The run as it is once it is closed.
fn decided(run: &Run, merges: &[MergeDone], receipt: &Receipt, at: Timestamp) -> ServiceResult<Run> {
    let mut run = run.clone();
    run.merges.extend_from_slice(merges);
    run.receipt = Some(receipt.clone());
    run.go(RunState::Closed, "closed", at)
        .map_err(|source| ServiceError::Move { run: run.id.to_string(), source })?;
    Ok(run)
}

fn acts(run: &Run, landings: &[Landing], commit: Option<&str>, policy: &Policy) -> Vec<String> {
    let mut acts = Vec::new();
    for landing in landings {
        let (repo, base) = (&landing.receipt.repo, &landing.receipt.base);
        for (ticket, _, commit) in &landing.merged {
            acts.push(format!(
                "merged {ticket} into '{base}' of {repo} as {}",
                commit.get(..12).unwrap_or(commit)
            ));
        }
        if landing.merged.is_empty() && !landing.receipt.heads.is_empty() {
            acts.push(format!("'{base}' of {repo} holds the run's branch already: nothing to merge"));
        }
    }
    if run.state == RunState::Closed {
        acts.push(told_of_record(run, commit, policy));
    }
    acts
}

/// Where the record of a closed run is.
pub(super) fn told_of_record(run: &Run, commit: Option<&str>, policy: &Policy) -> String {
    match commit {
        Some(commit) => {
            format!("published {} as {}", store::published_path(run), commit.get(..12).unwrap_or(commit))
        }
        None if policy.state.track == Track::Never => {
            "the record stays out of history, as state.track = never says".to_owned()
        }
        None => "the record waits for the next merge: by itself it would put base ahead of its upstream"
            .to_owned(),
    }
}
