use super::Failure;
use super::actions::Task;
use super::billing::Billing;
use super::domains::Domains;
use super::firewalls::Firewall;
use super::keys::PublicKey;
use super::machine::{Machine, State};
use super::outcome::{Outcome, answer};
use super::scripts::Script;
use super::{dns::Zones, vms};
use crate::sandbox::clock::Timestamp;

/// Everything the simulated account holds.
pub(in crate::sandbox) struct Estate {
    /// The moment of the present request.
    pub(super) now: Timestamp,
    pub(super) machines: Vec<Machine>,
    pub(super) firewalls: Vec<Firewall>,
    pub(super) scripts: Vec<Script>,
    pub(super) keys: Vec<PublicKey>,
    pub(super) zones: Zones,
    pub(super) domains: Domains,
    pub(super) billing: Billing,
    last_id: u64,
}

impl Estate {
    pub(super) fn new(now: Timestamp) -> Self {
        // What existed before is the same in every process of a day, so that what a person approves in one terminal is
        // still what the other one shows.
        let morning = now.start_of_day();
        Self {
            now,
            machines: vms::seed(morning),
            firewalls: Firewall::seed(morning),
            scripts: Script::seed(morning),
            keys: PublicKey::seed(),
            zones: Zones::seed(),
            domains: Domains::seed(morning),
            billing: Billing::seed(morning),
            last_id: 900_000,
        }
    }

    /// Lets everything happen that was due up to `now`.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.now = now;
        for machine in &mut self.machines {
            machine.advance(now);
        }
    }

    /// A number that nothing else in the estate has.
    pub(super) fn fresh_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn machine(&mut self, id: u64) -> Result<&mut Machine, Failure> {
        find(&mut self.machines, "virtual machine", id, |machine| machine.id)
    }

    /// Orders `task` from a machine that is set up, and answers with its action.
    pub(super) fn act(&mut self, machine: u64, task: Task) -> Outcome {
        let (action, now) = (self.fresh_id(), self.now);
        let machine = self.machine(machine)?;
        if machine.state == State::Initial {
            return Err(Failure::invalid("virtualMachineId", "The virtual machine has not been set up yet."));
        }
        answer(machine.order(action, task, now))
    }
}

/// The element of `items` with this number.
pub(super) fn find<'a, T>(
    items: &'a mut [T],
    kind: &str,
    id: u64,
    id_of: impl Fn(&T) -> u64,
) -> Result<&'a mut T, Failure> {
    items.iter_mut().find(|item| id_of(item) == id).ok_or_else(|| Failure::missing(kind, id))
}

/// Takes the element with this number out of `items`.
pub(super) fn take<T>(items: &mut Vec<T>, kind: &str, id: u64, id_of: impl Fn(&T) -> u64) -> Result<T, Failure> {
    let place = items.iter().position(|item| id_of(item) == id).ok_or_else(|| Failure::missing(kind, id))?;
    Ok(items.remove(place))
}
