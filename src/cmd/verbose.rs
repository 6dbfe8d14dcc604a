//! What `-v` adds: where things are looked up.

use crate::render::{Screen, escape};
use crate::service::{self, Caller, ServiceError};

/// Says which control repository and which policy are in force.
pub(super) fn places(caller: &Caller, screen: &Screen) -> Result<(), ServiceError> {
    let Some(control) = service::find_control(caller)? else {
        screen.story("not inside a git repository");
        return Ok(());
    };
    screen.story(&format!("control repository: {}", escape(&control.root().display().to_string())));
    screen.story(&format!("live records: {}", escape(&control.store.dir().display().to_string())));
    // A policy that cannot be used is the command's own matter: some do not need it, and one mends it.
    let policy = match service::policy_show(caller) {
        Ok(shown) => shown.path.map_or_else(|| "defaults".to_owned(), |path| path.display().to_string()),
        Err(error) => error.to_string(),
    };
    screen.story(&format!("policy: {}", escape(&policy)));
    Ok(())
}
