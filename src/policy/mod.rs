//! Floor 1, pure. The policy: its schema, defaults, rules and layers, and what can be said about one.
//!
//! Lives here: every key of `.metawsm/policy.json` and `policy.toml`, what each may hold, and the comparison of two
//! policies. Does not live here: finding and reading files, git config, PATH, trust. Every room above may call it;
//! it imports `model` alone. A new key: its section's struct, its rule in `rules.rs`, its line in `template.toml` and
//! in `fixtures/policy/every-key.toml` (tests miss it otherwise), and, where a gate looks at it, `stricter.rs`. One rule: a [`Policy`] that [`parse`] gave out is valid as a whole, and one that is not
//! names all its problems at once.

mod agent;
mod check;
mod closing;
mod command;
mod explain;
mod fix;
mod fix_toml;
mod forum;
mod glob;
mod load;
mod nearest;
mod node;
mod problem;
mod relation;
mod report;
mod rules;
mod running;
mod schema;
mod shape;
mod stricter;
mod template;
mod words;
mod work;

pub use agent::{AgentProfile, AgentRole, RunnerOptions};
pub use closing::{ClosePolicy, GitPrPolicy, HooksPolicy, MergePolicy, ReviewFeedbackPolicy, StatePolicy};
pub use command::{Command, TestCommands};
pub use explain::{KeyWords, explained};
pub use fix::{Fixed, fix};
pub use forum::{
    ForumDocsSyncPolicy, ForumPolicy, ForumRedisPolicy, ForumSlaPolicy, ForumTopicsPolicy, without_password,
};
pub use glob::matches_forbidden;
pub use load::{
    Personal, docs_from_table, forbidden_from_table, from_table, hash, health_from_table, hooks_from_table,
    layer, notifies, parse, to_table,
};
pub use nearest::nearest;
pub use node::Format;
pub use problem::{Problem, ProblemKind};
pub use report::{diff_lines, not_used_yet, program_keys};
pub use running::{
    ExecutionPolicy, HealthPolicy, NotifyPolicy, OperatorLlmPolicy, OperatorPolicy, SessionsPolicy,
    TmuxPolicy,
};
pub use schema::{GATES, POLICY_VERSION, Policy};
pub use stricter::stricter;
pub use template::template;
pub use words::{
    Assistance, AuthorityMode, CredentialMode, ForumTransport, HooksInstall, HooksStrict, MergeStyle,
    Permissions, RequiredCheck, ReviewMode, RunMode, Runner, SeedMode, SessionsBackend, TicketsProvider,
    TicketsRequired, Track, WorkspaceProvider,
};
pub use work::{DocsApiPolicy, DocsEndpoint, DocsPolicy, TicketsPolicy, WorkspacePolicy, without_user};
