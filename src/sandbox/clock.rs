//! Time as the sandbox sees it: a clock that tests can drive, and RFC 3339 timestamps.

use serde::{Serialize, Serializer};
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Tells the present moment.
pub(super) trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// The clock of the machine as it was at first, and from then on that of tokio: where a test drives that, the sandbox
/// lives in the same time as those who wait for it.
pub(super) struct SystemClock {
    begin: Timestamp,
    since: Instant,
}

impl SystemClock {
    pub(super) fn new() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { begin: Timestamp::EPOCH + since_epoch, since: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.begin + self.since.elapsed()
    }
}

/// A moment in milliseconds since 1970-01-01T00:00:00Z; written as RFC 3339 in UTC, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timestamp(i64);

const DAY_SECONDS: i64 = 86_400;

impl Timestamp {
    pub(super) const EPOCH: Self = Self(0);

    pub(super) fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    pub(super) fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub(super) fn days_later(self, days: i64) -> Self {
        Self(self.0 + days * DAY_SECONDS * 1000)
    }

    /// Midnight before, in UTC.
    pub(super) fn start_of_day(self) -> Self {
        Self(self.0 - self.0.rem_euclid(DAY_SECONDS * 1000))
    }

    pub(super) fn days_ago(self, days: i64) -> Self {
        self.days_later(-days)
    }

    /// The time that passed since `earlier`; nothing if that lies ahead.
    pub(super) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// Reads `2025-01-31T08:00:00Z`, with optional fraction (dropped) and any offset.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_once(['T', 't', ' '])?;
        let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
        let (year, month, day) = (date.next()??, date.next()??, date.next()??);
        let offset_at = time.find(['Z', 'z', '+', '-'])?;
        let (clock, offset) = time.split_at(offset_at);
        let mut clock = clock.splitn(3, ':').map(|part| part.split('.').next()?.parse::<i64>().ok());
        let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
        let in_range = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..=60).contains(&second);
        let seconds = days_from_civil(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second;
        in_range.then_some(Self::from_unix_seconds(seconds - offset_seconds(offset)?))
    }
}

fn offset_seconds(offset: &str) -> Option<i64> {
    if offset.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60))
}

// Both conversions count years from March, so that the leap day is the last of its year, and work in
// eras of 400 years (146,097 days); 719,468 days lie between 0000-03-01 and 1970-01-01.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * month_from_march + 2) / 5 + 1)
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.unix_seconds();
        let (year, month, day) = civil_from_days(seconds.div_euclid(DAY_SECONDS));
        let clock = seconds.rem_euclid(DAY_SECONDS);
        let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_written_and_read_as_rfc_3339() {
        let table = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_735_689_600, "2025-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ];
        for (seconds, text) in table {
            assert_eq!(Timestamp::from_unix_seconds(seconds).to_string(), text);
            assert_eq!(Timestamp::parse(text), Some(Timestamp::from_unix_seconds(seconds)));
        }
    }

    #[test]
    fn a_day_begins_at_midnight() {
        let start = |text: &str| Timestamp::parse(text).unwrap().start_of_day().to_string();
        for text in ["2026-11-21T00:00:00Z", "2026-11-21T23:59:59Z", "2026-11-21T12:30:00+01:00"] {
            assert_eq!(start(text), "2026-11-21T00:00:00Z", "{text}");
        }
    }

    #[test]
    fn other_spellings_are_read() {
        let table = [
            ("2025-01-01T02:00:00.250+02:00", Some(1_735_689_600)),
            ("2024-12-31T19:00:00-05:00", Some(1_735_689_600)),
            ("2025-13-01T00:00:00Z", None),
            ("2025-01-01", None),
            ("yesterday", None),
        ];
        for (text, seconds) in table {
            assert_eq!(Timestamp::parse(text), seconds.map(Timestamp::from_unix_seconds), "{text}");
        }
    }
}
