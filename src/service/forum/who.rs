//! Who speaks.

use super::super::{Caller, Control, ServiceError, ServiceResult};
use crate::model::{Actor, ActorKind, says_something};
use crate::sys::env;

/// Who is said to speak; an agent is always itself.
#[derive(Debug, Clone, Default)]
pub struct Speaker {
    /// `--actor-type`.
    pub kind: Option<ActorKind>,
    /// `--actor-name`.
    pub name: Option<String>,
}

/// Who speaks: the agent whose session this is, else whoever is named, else the person at the keyboard.
pub(super) fn actor(caller: &Caller, control: &Control, speaker: &Speaker) -> ServiceResult<Actor> {
    if let Some(name) = &caller.below_agent {
        let is_self = speaker.kind.is_none_or(|kind| kind == ActorKind::Agent)
            && speaker.name.as_ref().is_none_or(|said| said == name);
        if is_self {
            return Ok(Actor { kind: ActorKind::Agent, name: name.clone() });
        }
        let message = format!("The agent '{name}' speaks for itself only.");
        return Err(ServiceError::forbidden(message, &["git metawsm forum list"]));
    }
    let name = match &speaker.name {
        Some(name) if !says_something(name) || name.contains('\n') || name.chars().count() > 200 => {
            let message = "The name of who speaks is one line of at most 200 characters.";
            return Err(ServiceError::wrong(message, &["git metawsm forum -h"]));
        }
        Some(name) => name.clone(),
        None => identity(control)?,
    };
    Ok(Actor { kind: speaker.kind.unwrap_or(ActorKind::Operator), name })
}

/// The person, as git names the author of a commit; git itself is asked only where configuration does not say it.
fn identity(control: &Control) -> ServiceResult<String> {
    let overridden = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL"].iter().any(|name| env::text(name).is_some());
    if !overridden {
        let config = |key: &str| control.repo.config(key);
        let author = config("author.name")?.is_some() || config("author.email")?.is_some();
        if let (false, Some(name), Some(mail)) = (author, config("user.name")?, config("user.email")?) {
            return Ok(format!("{name} <{mail}>"));
        }
    }
    Ok(control.repo.identity())
}
