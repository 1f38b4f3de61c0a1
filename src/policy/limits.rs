//! How many calls in how much time (generic cell rate algorithm, ITU-T I.371).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::refusal::Limited;

/// Buckets above this number are cleared of those that are full again.
const MANY: usize = 4096;

/// Calls in a minute; 0 means no limit. As many may come at once as come in a quarter of a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PerMinute {
    /// Calls that only read.
    pub reads: u32,
    /// All others.
    pub writes: u32,
}

/// The limits of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For each principal.
    pub principal: PerMinute,
    /// For each resource.
    pub resource: PerMinute,
    /// For all together.
    pub server: PerMinute,
}

impl Limits {
    /// Whether there is any for calls of this kind.
    #[must_use]
    pub fn hold(&self, writes: bool) -> bool {
        [self.principal, self.resource, self.server].iter().any(|limit| limit.of(writes) > 0)
    }
}

impl PerMinute {
    fn of(self, writes: bool) -> u32 {
        if writes { self.writes } else { self.reads }
    }
}

impl Default for Limits {
    /// Reads are free: a provider has limits of its own. A model that runs wild with writes is stopped.
    fn default() -> Self {
        Self {
            principal: PerMinute { reads: 0, writes: 120 },
            resource: PerMinute { reads: 0, writes: 30 },
            server: PerMinute { reads: 0, writes: 600 },
        }
    }
}

/// What has been used up. Lives as long as the process.
#[derive(Debug, Default)]
pub struct Usage(Mutex<HashMap<Key, Instant>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    limited: Limited,
    writes: bool,
    whose: String,
}

impl Usage {
    /// Takes one call at `now` from every bucket it falls into, or from none and says how long to wait.
    ///
    /// # Errors
    /// If one of them is empty: which, and when it will not be.
    pub fn take(
        &self,
        limits: &Limits,
        writes: bool,
        principal: &str,
        resource: Option<&str>,
        now: Instant,
    ) -> Result<(), (Limited, Duration)> {
        let rate = |limit: PerMinute| limit.of(writes);
        let buckets = [
            (Limited::Principal, Some(principal), rate(limits.principal)),
            (Limited::Resource, resource, rate(limits.resource)),
            (Limited::Server, Some(""), rate(limits.server)),
        ];
        let mut buckets = buckets.into_iter().filter_map(|(limited, whose, rate)| {
            let key = Key { limited, writes, whose: whose?.to_owned() };
            (rate > 0).then_some((key, rate))
        });
        let Some(first) = buckets.next() else { return Ok(()) };
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() > MANY {
            used.retain(|_, full_at| *full_at > now);
        }
        let mut taken = Vec::with_capacity(3);
        for (key, rate) in std::iter::once(first).chain(buckets) {
            let interval = Duration::from_secs(60) / rate;
            let burst = interval * (rate / 4);
            let full_at = used.get(&key).copied().unwrap_or(now).max(now);
            let ahead = full_at.saturating_duration_since(now);
            if ahead > burst {
                return Err((key.limited, ahead - burst));
            }
            taken.push((key, full_at + interval));
        }
        used.extend(taken);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let limits = Limits {
            principal: PerMinute { reads: 0, writes: 12 },
            resource: PerMinute { reads: 0, writes: 4 },
            server: PerMinute::default(),
        };
        let usage = Usage::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let take = |seconds, writes, who: &str, what| usage.take(&limits, writes, who, what, at(seconds));
        // 4 a minute: one every 15 seconds, and one more at once.
        assert_eq!(take(0, true, "a", Some("vm")), Ok(()));
        assert_eq!(take(0, true, "a", Some("vm")), Ok(()));
        assert_eq!(take(0, true, "a", Some("vm")), Err((Limited::Resource, Duration::from_secs(15))));
        assert_eq!(take(0, true, "a", Some("other")), Ok(()), "another resource has a bucket of its own");
        assert_eq!(take(0, true, "a", None), Ok(()));
        assert_eq!(take(0, true, "a", None), Err((Limited::Principal, Duration::from_secs(5))));
        assert_eq!(take(0, true, "b", None), Ok(()), "so has another principal");
        assert_eq!(take(0, false, "a", Some("vm")), Ok(()), "and reading");
        assert_eq!(take(15, true, "a", Some("vm")), Ok(()));
    }

    #[test]
    fn a_refused_call_uses_nothing_up() {
        let limits = Limits {
            principal: PerMinute { reads: 0, writes: 8 },
            resource: PerMinute { reads: 0, writes: 4 },
            server: PerMinute::default(),
        };
        let usage = Usage::default();
        let now = Instant::now();
        for _ in 0..2 {
            assert_eq!(usage.take(&limits, true, "a", Some("vm"), now), Ok(()));
        }
        for _ in 0..10 {
            assert!(usage.take(&limits, true, "a", Some("vm"), now).is_err());
        }
        assert_eq!(usage.take(&limits, true, "a", Some("other"), now), Ok(()));
    }
}
