//! Floor 4. Use cases: take the hold, gather facts, ask the gates, make the plan, execute it, write it down.
//!
//! Lives here: one file per use case, and what several of them need (the control repository, the policy in
//! force, facts, the executor). Does not live here: arguments, text for people, git's command line. Commands,
//! hooks, the screen and tests enter here. One rule: progress leaves through one callback, everything else is
//! a returned report or an error.

mod agents;
mod alert;
mod alerts;
mod base;
mod bootstrap;
mod briefing;
mod bypass;
mod caller;
mod chain;
mod changes;
mod check;
mod checks;
mod cleanup;
mod close;
mod closing;
mod commit;
mod complete;
mod compose;
mod control;
mod decided;
mod demo;
mod diff;
mod discard;
pub mod doc_sync;
mod docs;
mod doctor;
mod documents;
mod error;
mod event;
mod execute;
mod facts;
mod facts_of_docs;
mod facts_of_talk;
mod facts_of_trees;
mod facts_of_work;
pub mod forum;
mod furnish;
mod guidance;
mod guide;
mod health;
mod hidden;
mod history;
mod hooks;
mod import;
mod intent;
mod iterate;
mod land;
mod landed;
mod list;
mod losses;
mod need;
mod needs;
mod notifier;
mod notify;
mod participate;
mod pending;
mod policies;
mod policy_init;
mod policy_verbs;
mod provision;
mod publish;
mod publish_threads;
mod push;
mod range;
mod record;
mod remedies;
mod removal;
mod repos;
mod rescues;
mod resume;
mod reverts;
mod run;
mod select;
mod sessions;
mod settle;
mod setup;
mod setup_scripts;
mod signals;
mod skills;
mod source;
mod status;
mod status_watch;
mod steps;
mod stop;
mod tickets;
mod transaction;
mod tree_changes;
mod update;
mod verdicts;
mod vouched;
mod watched;
mod words;

pub use agents::{agent_ended, agent_signals};
pub use alert::Alert;
pub use alerts::{Until, WatchAlerts, WatchEnd, WatchNews, watch_alerts};
pub use bootstrap::{bootstrap, bootstrap_ground, require_brief};
pub use caller::Caller;
pub use changes::Changes;
pub use check::{CheckRequest, Checked, check};
pub use cleanup::{CleanupRequest, cleanup};
pub use close::{CloseReport, CloseRequest, Resume, close};
pub use commit::{Committed, commit};
pub use complete::complete;
pub use control::{Control, control, find_control};
pub use demo::{DemoRequest, demo};
pub use diff::{DiffRequest, TreeDiff, diff, path};
pub use discard::discard;
pub use docs::{DocsRequest, DocsTicket, DocsView, EndpointView, docs};
pub use doctor::{Check as DoctorCheck, Condition, DoctorReport, DoctorRequest, doctor};
pub use error::{Refusal, ServiceError, ServiceResult};
pub use event::{Event, Progress};
pub use guide::{ActedInThread, GuideRequest, Guided, act_in_thread, ask_in_thread, guide};
pub use health::Health;
pub use hooks::{
    HookAnswer, HookCall, HookProof, HookRefusal, HooksInstalled, HooksProven, RefusedRun, StagedFile,
    ack as hooks_ack, fails_closed, install as hooks_install, prove as hooks_prove, run_hook, told_by_probe,
    uninstall as hooks_uninstall,
};
pub use import::{ImportReport, ImportRequest, ImportedRun, LeftOut, import};
pub use iterate::{IterateReport, IterateRequest, iterate};
pub use landed::Landed;
pub use list::{ListRequest, list, list_whole, log};
pub use need::{Need, NeedKind};
pub use notifier::Notifier;
pub use notify::notify;
pub use policy_init::{PolicyInitReport, PolicyInitRequest, policy_init};
pub use policy_verbs::{
    PolicyApplied, PolicyChecked, PolicyShown, apply as policy_apply, check as policy_check,
    show as policy_show, trust as policy_trust,
};
pub use push::BasePush;
pub use range::{RangeFinding, RangeReport, RangeVerdict, check_range};
pub use record::{PublishReport, PublishRequest, path_of as record_path, publish_records as publish};
pub use removal::{Removal as CleanedUp, Saved};
pub use rescues::{
    RescueRequest, RescueView, Restored, rescue_drop, rescue_file, rescue_list, rescue_restore, rescue_show,
};
pub use resume::{ResumeRequest, Resumed, restart, resume};
pub use run::{RunReport, RunRequest, run};
pub use select::Selector;
pub use sessions::{attach, follow, log_file, logs, tell};
pub use setup::{Change as SetupChange, SetupFile, SetupReport, SetupRequest, Shell, setup};
pub use setup_scripts::SetupScript;
pub use signals::{SignalRequest, SignalWords, Signalled, signal, wait_for_response};
pub use status::{AgentView, Away, RunView, StatusReport, StatusRequest, Threads, from_outside, status};
pub use status_watch::watch_status;
pub use stop::stop;
pub use tickets::{KnownTicket, TicketMeant};
pub use tree_changes::{DirtyPath, TreeChanges};
pub use update::{Taken, Update, UpdateReport, UpdateRequest, update};
pub use vouched::LandedWord;
pub use words::{Word, WordKind, word_caller, words};
