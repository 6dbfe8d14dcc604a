//! `publish`: the records of decided runs that wait go into history, on the control repository's own base.

use super::base::{Base, control_base};
use super::chain::start_of;
use super::event::Progress;
use super::forum::{self, Unpublished};
use super::intent::{self, Deed, Intent, Move};
use super::land::{Landing, lock_all};
use super::{
    Caller, Control, ServiceError, ServiceResult, control, decided, hidden, policies, publish,
    publish_threads, transaction,
};
use crate::git::Repository;
use crate::model::{RepoName, RepoReceipt, Run};
use crate::policy::Track;
use crate::store;
use crate::sys::clock;

/// What `publish` was asked.
#[derive(Debug, Clone, Default)]
pub struct PublishRequest {
    /// Say only what would be done.
    pub dry_run: bool,
}

/// What `publish` came to.
#[derive(Debug, Clone, Default)]
pub struct PublishReport {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// The branch that records go to; empty where there is none.
    pub base: String,
    /// The runs whose record waited.
    pub runs: Vec<Run>,
    /// The threads of which something waited.
    pub threads: Vec<Unpublished>,
    /// The commit that holds them now.
    pub commit: Option<String>,
    /// What keeps git from showing changes below `.metawsm/`, as a sentence.
    pub hidden: Option<String>,
    /// Why nothing was published though something waits.
    pub kept_back: Option<String>,
}

/// Brings every record and every thread that waits into history.
pub fn publish_records(
    caller: &Caller,
    request: &PublishRequest,
    progress: Progress<'_>,
) -> ServiceResult<PublishReport> {
    let mut control = control(caller)?;
    if request.dry_run {
        control = control.frozen();
    } else {
        decided::finish_all(caller, &control)?;
    }
    let mut report = PublishReport { dry_run: request.dry_run, ..PublishReport::default() };
    report.runs = control.store.pending_publication()?;
    report.threads = forum::publishable(&control, None)?;
    report.hidden = hidden::warning(&control);
    report.base = control_base(&control)?.map(|base| base.branch).unwrap_or_default();
    if policies::at_base(&control)?.state.track == Track::Never {
        report.kept_back = Some("state.track = never keeps records out of history".to_owned());
    } else if !request.dry_run {
        report.commit = publish_waiting(caller, &control, false, progress)?.and_then(|done| done.commit);
        report.commit = publish_threads::publish_threads(caller, &control, progress)?.or(report.commit);
        forum::retire(&control)?;
    }
    Ok(report)
}

/// What was published.
pub(super) struct Published {
    /// The commit that holds the records.
    pub commit: Option<String>,
}

/// Publishes what waits, though the record be the only commit that puts base ahead of its upstream; `None` where
/// nothing waits.
pub(super) fn publish_waiting(
    caller: &Caller,
    control: &Control,
    push: bool,
    progress: Progress<'_>,
) -> ServiceResult<Option<Published>> {
    let waiting = control.store.pending_publication()?;
    let Some(first) = waiting.first() else { return Ok(None) };
    if policies::at_base(control)?.state.track == Track::Never {
        return Ok(None);
    }
    let mut hold = control.hold(&first.id, "publish", caller)?;
    let _locks = lock_all(caller, [control.repo.common_dir().to_owned()], "publish")?;
    let base = require_base(control)?;
    let mut landing = landing_on(control.repo.with_hold(hold.token(), first.id.as_str()), &base)?;
    let from = landing.tip.clone();
    let publish::Composed { ids, said } = publish::publish(control, &mut landing, None)?;
    if landing.tip == from {
        // Base holds them already; only our notes did not say so.
        for id in ids.iter().filter(|id| **id != first.id) {
            control.store.hold(id, "publish", caller.wait)?.mark_published(&from)?;
        }
        hold.mark_published(&from)?;
        return Ok(Some(Published { commit: None }));
    }
    let ends = (base.branch.as_str(), landing.local.as_deref(), landing.tip.as_str());
    let moves = vec![Move::of(&landing.receipt.repo, &landing.repository, ends)?];
    let commit = Some(landing.tip.clone());
    let intent = Intent { push, published: ids, commit, ..Intent::new(Deed::Publish, clock::now(), moves) };
    transaction::perform(control, &mut hold, intent, progress)?;
    for what in &said {
        hold.note("documents", what)?;
    }
    Ok(Some(Published { commit: Some(landing.tip) }))
}

pub(super) fn require_base(control: &Control) -> ServiceResult<Base> {
    control_base(control)?.ok_or_else(|| {
        let dir = control.repo.dir().display();
        let message = format!("{dir} has no branch to publish records on.");
        ServiceError::failed(message, &[&format!("git -C {dir} branch --list --all")])
    })
}

/// What goes on top of base, or of its upstream where that is ahead.
pub(super) fn landing_on(repository: Repository, base: &Base) -> ServiceResult<Landing> {
    let local = repository.branch_id(&base.branch)?;
    let tip = start_of(&repository, &base.branch, local.as_deref())?.unwrap_or_else(|| base.id.clone());
    let receipt = RepoReceipt {
        repo: super::repos::name_of(&repository).or_else(|_| RepoName::parse("control"))?,
        base: base.branch.clone(),
        old: local.clone().unwrap_or_else(|| tip.clone()),
        new: tip.clone(),
        heads: Vec::new(),
        merges: Vec::new(),
    };
    Ok(Landing { repository, receipt, local, tip, is_control: true, merged: Vec::new() })
}

/// Finishes a publication that was stopped half way: there is nothing to choose.
pub(super) fn finish_stopped(caller: &Caller, control: &Control) -> ServiceResult<()> {
    for run in control.store.pending_publication()? {
        let is_publication = |intent: &Intent| intent.deed == Deed::Publish;
        if !intent::find(&control.store, &run.id)?.is_some_and(|intent| is_publication(&intent)) {
            continue;
        }
        let mut hold = control.hold(&run.id, "publish", caller)?;
        let _locks = lock_all(caller, [control.repo.common_dir().to_owned()], "publish")?;
        if let Some(intent) = intent::find(&control.store, &run.id)?.filter(is_publication) {
            transaction::go_on(control, &mut hold, intent, &mut |_| {})?;
        }
    }
    publish_threads::finish_stopped(caller, control)
}

/// Where a record stands, for people.
pub fn path_of(run: &Run) -> String {
    store::published_path(run)
}
