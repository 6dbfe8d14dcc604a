//! Gates asked for a run, under the stricter of the stored and the present policy.

use super::checks::Demands;
use super::facts::{Found, Look, gather};
use super::policies::{at_base, drift, level_of, stored};
use super::{Control, Refusal, ServiceError, ServiceResult};
use crate::gate::{self, Action, Pass, Verdict, Waiver};
use crate::model::{GateLevel, Run};
use crate::policy;

/// A verdict and the facts it was given on.
#[derive(Debug)]
pub(super) struct Judged {
    /// What was found.
    pub found: Found,
    /// What the gates said.
    pub verdict: Verdict,
    /// SHA-256 of the policy in force.
    pub policy_hash: String,
}

/// The word of an action.
pub(super) fn word(action: Action) -> &'static str {
    match action {
        Action::Merge => "merge",
        Action::Close => "close",
        Action::Hook => "hooks",
    }
}

/// Gathers the facts of a run and asks every gate that the action needs. Nothing is executed: of the project's own
/// tests the kept results count.
pub(super) fn judge(
    control: &Control,
    run: &Run,
    action: Action,
    waivers: &[Waiver],
) -> ServiceResult<Judged> {
    let (stored, at_base) = (stored(run)?, at_base(control)?);
    let policy = policy::stricter(&stored, &at_base);
    require_waivable(waivers, &policy)?;
    let demands = Demands::of(&policy);
    let mut found = gather(&Look { control, run, action, demands: &demands })?;
    if action != Action::Hook {
        found.facts.drift = drift(control, &stored, &at_base)?;
    }
    let level = |gate: &str, default: GateLevel| level_of(&policy, gate, default);
    let verdict = gate::judge(action, &found.facts, &level, waivers);
    Ok(Judged { found, verdict, policy_hash: demands.policy_hash })
}

impl Judged {
    /// The proof that nothing refuses, or the refusal with all blockers.
    pub(super) fn require_pass(self, run: &Run, action: Action) -> ServiceResult<(Pass, Found, String)> {
        match self.verdict.pass() {
            Ok(pass) => Ok((pass, self.found, self.policy_hash)),
            Err(verdict) => {
                let refusal = Refusal { run: run.id.to_string(), action: word(action), verdict };
                Err(ServiceError::Refused(Box::new(refusal)))
            }
        }
    }
}

fn require_waivable(waivers: &[Waiver], policy: &policy::Policy) -> ServiceResult<()> {
    for waiver in waivers {
        let gate = &waiver.gate;
        if !gate::is_gate(gate) {
            let known: Vec<_> = gate::ALL.iter().map(|g| g.id).collect();
            return Err(ServiceError::wrong(
                format!("There is no gate '{gate}'; the gates are {}.", known.join(", ")),
                &["git metawsm check"],
            ));
        }
        if !gate::is_waivable(gate) {
            let message =
                format!("The gate '{gate}' cannot be waived: no reason makes such a merge possible.");
            return Err(ServiceError::forbidden(message, &["git metawsm check"]));
        }
        if policy.close.never_waive.iter().any(|never| never == gate) {
            let message = format!("The gate '{gate}' stands in close.never_waive of the policy.");
            return Err(ServiceError::forbidden(message, &["git metawsm policy show"]));
        }
        if waiver.reason.trim().is_empty() {
            let hint = format!("git metawsm close --waive '{gate}=<why it may pass>'");
            return Err(ServiceError::wrong(format!("The waiver of '{gate}' gives no reason."), &[&hint]));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_and_gates_know_the_same_ids_and_levels() {
        for gate in &gate::ALL {
            let known = policy::GATES.iter().find(|(id, _)| *id == gate.id);
            assert_eq!(known, Some(&(gate.id, gate.level)));
        }
    }
}
