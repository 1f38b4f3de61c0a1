//! From a judgement to the permission to send: approval, and the minting of [`Authorized`].

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use infra_mcp_model::{Danger, Effect};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Map, Value};

use super::approval::{self, Evidence, LIFETIME, Way};
use super::running::Running;
use super::{Authorized, Judged, Objection, Policy, Refusal, Snapshot, Switches, Usage, danger_of};
use crate::call::{Asking, Call};
use crate::catalogue::Entry;
use crate::store::{self, ApprovalRecord, LazyStore, Permission, Proof, Store, StoreError};

/// The argument that carries the token of a preview.
pub const CONFIRM_TOKEN: &str = "confirm_token";

/// The argument that carries the phrase of a preview.
pub const CONFIRMATION: &str = "confirmation";

/// Letters and digits that are not mistaken for each other.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// How many characters the id of an approval has: enough that nobody hits one that waits by guessing.
const ID_LENGTH: usize = 8;

/// The one place where a call becomes one that may be executed.
#[derive(Debug)]
pub struct Gate {
    policy: Policy,
    way: Way,
    usage: Usage,
    running: Running,
    /// What a person types to approve, without the id.
    command: String,
    switches: Switches,
    store: Arc<LazyStore>,
}

/// What became of a call at the gate.
#[derive(Debug)]
pub enum Admission {
    /// It may be executed.
    Granted {
        /// The proof of that.
        authorized: Authorized<Call>,
        /// The approval that it used up.
        approval: Option<String>,
    },
    /// It needs an approval, which was asked for.
    Wanted(Request),
}

/// What a call's resource has to be looked at for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Nothing,
    /// To show and bind what is approved. A look that hands out a credential is not taken for that.
    Show,
    /// To tell whether the call may touch it, and for all the rest.
    Judge,
}

/// An approval that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What people call it.
    pub id: String,
    /// How it is obtained.
    pub step: Step,
    /// What the call would do, in words, without secrets.
    pub preview: String,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("confirmation_required: nothing was sent. ")?;
        match &self.step {
            // Whoever gets this as a text instead of the question cannot be asked.
            Step::Ask(_) => f.write_str("The person in front of the client has to agree."),
            Step::Repeat(token) => write!(
                f,
                "Once the person you work for agrees, call again with the same arguments and `confirm_token`: {token:?}."
            ),
            Step::Say(phrase) => write!(
                f,
                "Once the person you work for agrees, call again with the same arguments and `confirmation`: {phrase:?}."
            ),
            Step::Terminal(command) => {
                write!(f, "A person approves it in a terminal with `{command}`; then make the same call again.")
            }
        }?;
        write!(f, " The approval is good for 5 minutes and for this call alone.\n\n{}", self.preview)
    }
}

/// What has to happen for a call to be approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The person in front of the client is asked; the answer comes back with this token.
    Ask(String),
    /// The call is repeated with this `confirm_token`.
    Repeat(String),
    /// The call is repeated with this `confirmation`.
    Say(String),
    /// A person approves in a terminal with this command; then the call is repeated.
    Terminal(String),
}

/// Why a call did not pass the gate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// Policy does not allow it.
    #[error("{0}")]
    Refused(Refusal),
    /// What has to be kept cannot be kept, so nothing dangerous happens.
    #[error("Nothing was sent, because the call cannot be put on record first: {0}")]
    Store(#[from] StoreError),
}

impl Gate {
    /// A gate that judges by `policy`, has approvals obtained by `way` and keeps them in `store`.
    #[must_use]
    pub fn new(policy: Policy, way: Way, store: Arc<LazyStore>) -> Self {
        let command = "infra-mcp approve".to_owned();
        let switches = Switches::new(store.directory().map(Path::to_owned));
        Self { policy, way, usage: Usage::default(), running: Running::default(), command, switches, store }
    }

    /// The same gate, whose approvals a person gives with this command.
    #[must_use]
    pub fn with_command(self, command: String) -> Self {
        Self { command, ..self }
    }

    /// What calls are judged by.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Takes out of the arguments what is meant for this gate. Arguments of the same name that belong to the tool
    /// itself stay: they never count as an approval.
    #[must_use]
    pub fn take_evidence(&self, entry: Entry, arguments: &mut Map<String, Value>) -> Evidence {
        let mut take = |name| match self.asks_for(entry, name) {
            true => arguments.shift_remove(name).and_then(|value| value.as_str().map(str::to_owned)),
            false => None,
        };
        Evidence { confirm_token: take(CONFIRM_TOKEN), confirmation: take(CONFIRMATION) }
    }

    /// Whether calls of this tool may bring an argument of this name for the gate.
    #[must_use]
    pub fn asks_for(&self, entry: Entry, name: &str) -> bool {
        let counts = match (name, self.way) {
            (CONFIRM_TOKEN, Way::Token) | (CONFIRMATION, Way::Phrase) => true,
            // What is grave by itself takes a terminal where the client cannot ask.
            (CONFIRM_TOKEN, Way::Ask) => !entry.is_grave() && self.policy.must_confirm(entry),
            _ => false,
        };
        counts && self.policy.may_need_approval(entry) && !entry.tool.takes(name)
    }

    /// What the resource has to be looked at for before the call can pass.
    #[must_use]
    pub fn needs_sight(&self, call: &Call) -> Need {
        let need = match (self.policy.must_see_resource(call), self.needs_approval(call)) {
            (true, _) => Need::Judge,
            (false, true) => Need::Show,
            (false, false) => return Need::Nothing,
        };
        // What is refused anyway is not worth a look, and not shown to who may not call.
        let refused = self.policy.forbids(call, self.switches.stopping(danger_of(call))).is_some();
        if refused { Need::Nothing } else { need }
    }

    /// Whether a person has to be asked before the call is made.
    #[must_use]
    pub fn needs_approval(&self, call: &Call) -> bool {
        self.way != Way::None && self.policy.needs_approval(call)
    }

    /// Whether a person may have to be asked before a call of the tool is made.
    #[must_use]
    pub fn may_ask(&self, entry: Entry) -> bool {
        self.way != Way::None && self.policy.may_need_approval(entry)
    }

    /// What stands against an answer of this server's own, which touches nothing.
    #[must_use]
    pub fn stopped(&self, tool: &'static str) -> Option<Refusal> {
        let reads = Danger { effect: Effect::Read, money: false, exec: false, secret: false };
        let switch = self.switches.stopping(reads)?;
        Some(Refusal { tool: tool.into(), objection: Objection::Stopped(switch) })
    }

    /// Lets a read of the server's own through, which shows the caller what a name may stand for.
    ///
    /// # Errors
    /// If it does more than read, or policy does not allow it.
    pub fn admit_look(&self, call: Call) -> Result<Authorized<Call>, Refusal> {
        let danger = danger_of(&call);
        if !danger.is_none() {
            let access = infra_mcp_model::Access::Read;
            return Err(Refusal { tool: call.entry.tool.name.clone(), objection: Objection::Access(access, danger) });
        }
        Ok(self.judge(call, None)?.authorize(None))
    }

    /// Lets a read through by which another call is to be judged. What it shows is for nobody else to see.
    ///
    /// # Errors
    /// See [`Policy::judge_inspection`].
    pub fn admit_inspection(&self, call: Call) -> Result<Authorized<Call>, Refusal> {
        let danger = Danger { secret: false, ..danger_of(&call) };
        let switch = self.switches.stopping(danger);
        Ok(self.policy.judge_inspection(call, switch, &self.usage, Instant::now())?.authorize(None))
    }

    /// Judges the call, uses up its approval if it needs one, and asks for one if it has none. A call that does more
    /// than read is granted only once `intent` of it is on disk, with the id of the approval in it. `preview` says what
    /// the call would do, without secrets; it is made only when it is needed.
    ///
    /// # Errors
    /// If policy does not allow the call, its evidence is not for this very call, or the store cannot be used.
    pub fn admit(
        &self,
        call: Call,
        seen: Option<&[Value]>,
        evidence: &Evidence,
        preview: impl FnOnce(&Call) -> String,
        intent: impl FnOnce(Option<&str>) -> String,
    ) -> Result<Admission, GateError> {
        let judged = self.judge(call, seen).map_err(GateError::Refused)?;
        let call = judged.call();
        if danger_of(call).is_none() && !self.needs_approval(call) {
            return Ok(Admission::Granted { authorized: judged.authorize(None), approval: None });
        }
        let claim = self.running.claim(call).map_err(|_| self.refusal(call, Objection::InProgress))?;
        let store = self.store.get()?;
        if !self.needs_approval(call) {
            store.permit(None, intent)?;
            return Ok(Admission::Granted { authorized: judged.authorize(claim), approval: None });
        }
        let binding = approval::binding(call, seen);
        let way = self.way_for(call);
        let now = store::now();
        let proof = self.proof(way, call, evidence)?;
        if let Some(proof) = proof {
            match store.permit(Some((&binding, proof, now)), intent)? {
                Permission::Given(approval) => {
                    return Ok(Admission::Granted { authorized: judged.authorize(claim), approval });
                }
                // A person who has not been there yet: ask (again).
                Permission::Withheld if matches!(proof, Proof::Approved) => {}
                Permission::Withheld => return Err(self.mismatch(call)),
            }
        }
        Ok(Admission::Wanted(self.ask(&store, way, call, binding, now, preview)?))
    }

    fn judge(&self, call: Call, seen: Option<&[Value]>) -> Result<Judged, Refusal> {
        let snapshot = Snapshot { switch: self.switches.stopping(danger_of(&call)), seen };
        self.policy.judge(call, snapshot, &self.usage, Instant::now())
    }

    /// The way for this call. A tool with an argument of its own by the name of ours leaves the terminal.
    fn way_for(&self, call: &Call) -> Way {
        let way = match call.caller.asking {
            Asking::Impossible => self.way.without_asking(danger_of(call)),
            _ => self.way,
        };
        let name = match way {
            Way::Token => CONFIRM_TOKEN,
            Way::Phrase => CONFIRMATION,
            _ => return way,
        };
        if call.entry.tool.takes(name) { Way::Operator } else { way }
    }

    /// What the call brings to show that it is approved, of the kind that counts here.
    fn proof(&self, way: Way, call: &Call, evidence: &Evidence) -> Result<Option<Proof>, GateError> {
        Ok(match way {
            Way::Operator => Some(Proof::Approved),
            Way::Token => evidence.confirm_token.as_deref().map(|token| Proof::Secret(sha256(token.as_bytes()))),
            Way::Phrase => match evidence.confirmation.as_deref() {
                None => None,
                Some(said) if said == approval::phrase(call) => Some(Proof::Asked),
                Some(_) => return Err(self.mismatch(call)),
            },
            Way::Ask => match &call.caller.asking {
                Asking::Agreed(token) => Some(Proof::Secret(sha256(token.as_bytes()))),
                Asking::Declined(token) => {
                    self.store.get()?.withdraw_approval(&sha256(token.as_bytes()))?;
                    return Err(self.refusal(call, Objection::Declined));
                }
                Asking::Possible | Asking::Impossible => None,
            },
            Way::None => None,
        })
    }

    fn mismatch(&self, call: &Call) -> GateError {
        self.refusal(call, Objection::Mismatch)
    }

    fn refusal(&self, call: &Call, objection: Objection) -> GateError {
        GateError::Refused(Refusal { tool: call.entry.tool.name.clone(), objection })
    }

    /// Asks for an approval, or finds the request that is already open for the same call.
    fn ask(
        &self,
        store: &Store,
        way: Way,
        call: &Call,
        binding: [u8; 32],
        now: i64,
        preview: impl FnOnce(&Call) -> String,
    ) -> Result<Request, StoreError> {
        let phrase = || approval::phrase(call);
        // A token is shown once; a person and a phrase need no second request for the same call.
        let secret = matches!(way, Way::Token | Way::Ask);
        if !secret
            && let Some(open) = store.open_approval(&binding, now)?
            && open.secret.is_none()
        {
            let step = if way == Way::Phrase { Step::Say(phrase()) } else { self.terminal(&open.id) };
            return Ok(Request { id: open.id, step, preview: open.preview });
        }
        let token = secret.then(|| random_text(52));
        let approval = ApprovalRecord {
            id: random_text(ID_LENGTH),
            secret: token.as_deref().map(|token| sha256(token.as_bytes())),
            binding,
            principal: call.caller.principal.id().to_owned(),
            account: call.account_name(),
            tool: call.entry.tool.name.to_string(),
            preview: preview(call),
            created: now,
            expires: now + LIFETIME,
            approved: None,
            used: None,
        };
        store.add_approval(&approval)?;
        let step = match (token, way) {
            (Some(token), Way::Ask) => Step::Ask(token),
            (Some(token), _) => Step::Repeat(token),
            (None, Way::Phrase) => Step::Say(phrase()),
            (None, _) => self.terminal(&approval.id),
        };
        Ok(Request { id: approval.id, step, preview: approval.preview })
    }

    fn terminal(&self, id: &str) -> Step {
        Step::Terminal(format!("{} {id}", self.command))
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// Random characters, five bits each.
fn random_text(length: usize) -> String {
    let mut bytes = vec![0; length];
    // The system has randomness, or nothing here could be trusted.
    SystemRandom::new().fill(&mut bytes).expect("the system gives random numbers");
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
