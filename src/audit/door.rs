//! Callers who are turned away before it is known what they call. Most are strangers, and a stranger must not be able
//! to fill the disk.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After how long counting begins anew.
const WINDOW: Duration = Duration::from_secs(3600);

/// How many kinds of refusals are told apart in that time; all others count as one.
const MOST: usize = 32;

/// A caller who was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stranger {
    /// From where.
    pub address: IpAddr,
    /// The stable word for the refusal.
    pub code: &'static str,
    /// Why, without anything that the caller sent.
    pub reason: &'static str,
}

/// Counts refusals. Of every kind, which is an address, a code and a reason, the 1st, 10th, 100th and so on of an hour
/// is worth an event: at most 33 kinds and a handful of events each, however many callers there are.
#[derive(Debug, Default)]
pub(super) struct Door(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    begun: Option<Instant>,
    counts: HashMap<Stranger, u64>,
    others: u64,
}

/// How often somebody was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    /// How often in this hour.
    pub(super) number: u64,
    /// For this reason from this address; else for any reason from anywhere, as far as nothing else tells.
    pub(super) alone: bool,
}

impl Door {
    /// Counts a refusal, and says how many there were if that is worth an event.
    pub(super) fn count(&self, stranger: Stranger, now: Instant) -> Option<Count> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.begun.is_none_or(|begun| now.saturating_duration_since(begun) >= WINDOW) {
            *window = Window { begun: Some(now), ..Window::default() };
        }
        let kind = Stranger { address: network(stranger.address), ..stranger };
        let room = window.counts.len() < MOST;
        let (number, alone) = match window.counts.get_mut(&kind) {
            Some(number) => (number, true),
            None if room => (window.counts.entry(kind).or_default(), true),
            None => (&mut window.others, false),
        };
        *number = number.saturating_add(1);
        let number = *number;
        (10_u64.pow(number.ilog10()) == number).then_some(Count { number, alone })
    }
}

/// What one caller can take an address from at will: the /64 of IPv6 (RFC 4291 section 2.5.4).
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(address: &str, reason: &'static str) -> Stranger {
        Stranger { address: address.parse().unwrap(), code: "unauthenticated", reason }
    }

    #[test]
    fn ever_fewer_of_one_kind_are_worth_an_event() {
        let (door, start) = (Door::default(), Instant::now());
        let told = |address: &str, reason, times, after| {
            let counts = (0..times).filter_map(|_| door.count(stranger(address, reason), start + after));
            counts.map(|count| count.number).collect::<Vec<_>>()
        };
        let soon = Duration::from_secs(1);
        assert_eq!(told("192.0.2.1", "a", 250, soon), [1, 10, 100]);
        assert_eq!(told("192.0.2.1", "b", 9, soon), [1]);
        assert_eq!(told("2001:db8::1", "a", 1, soon), [1]);
        assert_eq!(told("2001:db8::ffff:2", "a", 1, soon), Vec::<u64>::new(), "the same network");
        assert_eq!(told("2001:db8:0:1::1", "a", 1, soon), [1]);
        assert_eq!(told("192.0.2.1", "a", 11, soon + WINDOW), [1, 10], "the next hour");
    }

    #[test]
    fn a_crowd_fills_no_disk() {
        let (door, now) = (Door::default(), Instant::now());
        let events = (0..100_000_u32).filter_map(|number| {
            let address = std::net::Ipv4Addr::from_bits(number);
            door.count(Stranger { address: address.into(), ..stranger("::", "a") }, now)
        });
        let events: Vec<Count> = events.collect();
        assert_eq!(events.iter().filter(|count| count.alone).count(), MOST);
        let others: Vec<u64> = events.iter().filter(|count| !count.alone).map(|count| count.number).collect();
        assert_eq!(others, [1, 10, 100, 1_000, 10_000]);
    }
}
