//! When a call is tried again and how long to wait before that.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::StatusCode;
use http::header::{HeaderMap, RETRY_AFTER};

use super::changes;
use crate::call::Call;

/// How often a request that may be repeated is sent at most.
pub(super) const ATTEMPTS: u32 = 3;

/// The first pause without `Retry-After`; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Whether the one request of this call may be sent again: only if a repetition is harmless and free.
pub(super) fn repeatable(call: &Call) -> bool {
    let review = &call.entry.tool.review;
    !review.money && (review.idempotent || !changes(call))
}

/// Whether the status is about the moment and not about the request.
pub(super) fn passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// The pause after this attempt (counted from 1): what the provider asks for, else exponential.
pub(super) fn pause(attempt: u32, asked: Option<Duration>) -> Duration {
    let pause = asked.unwrap_or(FIRST_PAUSE * 2u32.saturating_pow(attempt.saturating_sub(1)));
    pause.saturating_add(jitter(FIRST_PAUSE / 4))
}

/// Spreads out callers that failed together. The clock is random enough for that.
fn jitter(most: Duration) -> Duration {
    let nanoseconds = now().subsec_nanos();
    most * (nanoseconds % 1024) / 1024
}

/// How long the provider asks to wait: seconds or a date (RFC 9110 section 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(Duration::from_secs(http_date(value)?).saturating_sub(now()))
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`, the form every sender has to use.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.split_once(", ")?;
    let mut parts = date.split_ascii_whitespace();
    let day: u64 = parts.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let month = parts.next()?;
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let year: u64 = parts.next()?.parse().ok().filter(|year| (1970..=9999).contains(year))?;
    let mut time = parts.next()?.splitn(3, ':').map(str::parse::<u64>);
    let mut next = |most| time.next()?.ok().filter(|part| *part <= most);
    let (hour, minute, second) = (next(23)?, next(59)?, next(60)?);
    (parts.next()? == "GMT").then_some(())?;
    Some(((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// Days since 1970 of a Gregorian date. The year begins in March here, so that a leap day ends it.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_written_in_http() {
        for (text, expected) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199)),
            ("Fri, 01 Mar 2024 00:00:00 GMT", Some(1_709_251_200)),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 Nov 1994 25:49:37 GMT", None),
            ("Sun, 99 Nov 1994 08:49:37 GMT", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(http_date(text), expected, "{text}");
        }
    }

    #[test]
    fn pauses_grow_unless_the_provider_names_one() {
        for (attempt, asked, least) in [(1, None, 250), (2, None, 500), (1, Some(3), 3000), (2, Some(0), 0)] {
            let pause = pause(attempt, asked.map(Duration::from_secs));
            let most = least + 63;
            assert!((least..=most).contains(&(pause.as_millis() as u64)), "{attempt} {asked:?}: {pause:?}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(of("12"), Some(Duration::from_secs(12)));
        assert_eq!(of("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert!(of("Fri, 31 Dec 9999 23:59:59 GMT").is_some_and(|wait| wait > Duration::from_secs(1 << 36)));
        assert_eq!(of("soon"), None);
        assert_eq!(of("-1"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
