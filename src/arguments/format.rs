//! The string formats of JSON Schema that are checked.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A value of the keyword `format` that says something checkable about a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    DateTime,
    Date,
    Uuid,
    Email,
    Uri,
    Ipv4,
    Ipv6,
    Hostname,
}

impl Format {
    /// The format of this name; `None` for those that are not checked.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "date-time" => Self::DateTime,
            "date" => Self::Date,
            "uuid" => Self::Uuid,
            "email" => Self::Email,
            "uri" => Self::Uri,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "hostname" => Self::Hostname,
            _ => return None,
        })
    }

    /// What a string of this format is, in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::DateTime => "a date and time with offset as in 2026-03-01T09:30:00Z (RFC 3339)",
            Self::Date => "a date as in 2026-03-01",
            Self::Uuid => "a UUID as in 123e4567-e89b-12d3-a456-426614174000",
            Self::Email => "an e-mail address",
            Self::Uri => "an absolute URI as in https://example.com/page",
            Self::Ipv4 => "an IPv4 address",
            Self::Ipv6 => "an IPv6 address",
            Self::Hostname => "a host name as in www.example.com",
        }
    }

    /// Whether a string has this format.
    pub(super) fn accepts(self, text: &str) -> bool {
        match self {
            Self::DateTime => date_time(text) == Some(true),
            Self::Date => date(text) == Some(true),
            Self::Uuid => uuid(text),
            Self::Email => email(text),
            Self::Uri => uri(text) == Some(true),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            Self::Hostname => hostname(text),
        }
    }
}

/// A number of exactly as many digits as the text is long.
fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn date(text: &str) -> Option<bool> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return None;
    }
    let (year, month, day) = (digits(year)?, digits(month)?, digits(day)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    Some((1..=days).contains(&day))
}

fn date_time(text: &str) -> Option<bool> {
    let (day, time) = text.split_once(['T', 't'])?;
    let offset_at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, offset) = time.split_at(offset_at);
    let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, fraction)| (clock, Some(fraction)));
    let (hour_minute, second) = clock.rsplit_once(':')?;
    let minutes = minutes_of_day(hour_minute)?;
    let offset = match offset {
        "Z" | "z" => 0,
        signed => {
            let minutes = minutes_of_day(&signed[1..])?;
            if signed.starts_with('+') { minutes } else { 1440 - minutes }
        }
    };
    let leap_second_possible = (minutes + 1440 - offset) % 1440 == 1439;
    let second = (second.len() == 2).then(|| digits(second)).flatten()?;
    let fraction_valid = fraction.is_none_or(|f| !f.is_empty() && f.bytes().all(|b| b.is_ascii_digit()));
    Some(date(day)? && fraction_valid && (second < 60 || second == 60 && leap_second_possible))
}

/// `HH:MM` as minutes.
fn minutes_of_day(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    if (hour.len(), minute.len()) != (2, 2) {
        return None;
    }
    let (hour, minute) = (digits(hour)?, digits(minute)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

fn uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// RFC 1123 section 2.1: labels of letters, digits and inner hyphens.
fn hostname(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// RFC 5321 section 4.1.2: a dot-atom or quoted string, `@`, a host name or an address in brackets.
fn email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let atom = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    };
    let local_valid = match local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => quoted_content(inner),
        None => local.split('.').all(atom),
    };
    let domain_valid = match domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(literal) => literal
            .strip_prefix("IPv6:")
            .map_or_else(|| literal.parse::<Ipv4Addr>().is_ok(), |v6| v6.parse::<Ipv6Addr>().is_ok()),
        None => hostname(domain),
    };
    local.len() <= 64 && local_valid && domain_valid
}

fn quoted_content(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        let valid = match b {
            b'\\' => bytes.next().is_some_and(|escaped| (b' '..=b'~').contains(&escaped)),
            b'"' => false,
            other => (b' '..=b'~').contains(&other),
        };
        if !valid {
            return false;
        }
    }
    true
}

/// RFC 3986: a scheme, then only characters that may stand where they stand.
fn uri(text: &str) -> Option<bool> {
    let (scheme, rest) = text.split_once(':')?;
    let scheme_valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    Some(
        scheme_valid
            && authority_valid(authority)
            && uri_characters(path, b":@/")
            && uri_characters(query, b":@/?")
            && uri_characters(fragment, b":@/?"),
    )
}

fn authority_valid(authority: &str) -> bool {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host_valid, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((literal, port)) => (literal.parse::<Ipv6Addr>().is_ok(), port),
        None => {
            let (name, port) = host.split_at(host.rfind(':').unwrap_or(host.len()));
            (uri_characters(name, b""), port)
        }
    };
    let port_valid = port.strip_prefix(':').unwrap_or(port).bytes().all(|b| b.is_ascii_digit());
    host_valid && port_valid && uri_characters(user, b":")
}

/// Unreserved characters, sub-delimiters, percent-encoded bytes and these `more`.
fn uri_characters(text: &str, more: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        let valid = match b {
            b'%' => (0..2).all(|_| bytes.next().is_some_and(|digit| digit.is_ascii_hexdigit())),
            other => other.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&other) || more.contains(&other),
        };
        if !valid {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn formats() {
        let long_label = "a".repeat(64);
        let table: &[(&str, &[&str], &[&str])] = &[
            (
                "date-time",
                &[
                    "2026-03-01T09:30:00Z",
                    "2026-03-01t09:30:00.123456z",
                    "2026-03-01T09:30:00+05:30",
                    "1998-12-31T23:59:60Z",
                    "1998-12-31T15:59:60.5-08:00",
                    "2024-02-29T00:00:00-00:00",
                ],
                &[
                    "",
                    "2026-03-01",
                    "2026-03-01 09:30:00Z",
                    "2026-03-01T09:30:00",
                    "2026-03-01T24:00:00Z",
                    "2026-03-01T09:60:00Z",
                    "2026-03-01T09:30:61Z",
                    "1998-12-31T22:59:60Z",
                    "2026-02-29T00:00:00Z",
                    "2026-03-01T09:30:00.Z",
                    "2026-03-01T9:30:00Z",
                    "2026-03-01T09:30:00+24:00",
                    "2026-03-01T09:30:00+0530",
                    "2026-03-01T09:30Z",
                    "2026-03-01T09:30:00é",
                    "२०२६-03-01T09:30:00Z",
                ],
            ),
            (
                "date",
                &["2026-03-01", "2000-02-29"],
                &[
                    "1900-02-29",
                    "2026-13-01",
                    "2026-00-01",
                    "2026-01-00",
                    "2026-1-1",
                    "20260301",
                    "2026-03-01-",
                    "+026-03-01",
                ],
            ),
            (
                "uuid",
                &["123e4567-e89b-12d3-a456-426614174000", "123E4567-E89B-12D3-A456-426614174000"],
                &["", "123e4567e89b12d3a456426614174000", "123e4567-e89b-12d3-a456-42661417400g"],
            ),
            (
                "email",
                &[
                    "a@example.com",
                    "a.b+c@sub.example.com",
                    "\"a b\"@example.com",
                    "a@[127.0.0.1]",
                    "a@[IPv6:::1]",
                    "a@localhost",
                ],
                &[
                    "",
                    "a",
                    "@example.com",
                    "a@",
                    "a..b@example.com",
                    ".a@example.com",
                    "a b@example.com",
                    "a@ex ample.com",
                    "a@-x.com",
                    "\"a\"b\"@example.com",
                ],
            ),
            (
                "uri",
                &[
                    "https://example.com",
                    "https://user:x@example.com:8443/a/b;c?d=e/f?g#h",
                    "http://[2001:db8::1]:80/",
                    "mailto:a@example.com",
                    "urn:isbn:0451450523",
                    "file:///etc/hosts",
                    "https://example.com/%C3%A4",
                ],
                &[
                    "",
                    "example.com",
                    "/path",
                    "//example.com/x",
                    "https://example.com/a b",
                    "https://example.com/%zz",
                    "https://exämple.com",
                    "1https://a",
                    ":a",
                    "https://a:b/",
                    "http://[::1/",
                    "https://a/#b#c",
                    "https://a/\"b\"",
                ],
            ),
            ("ipv4", &["127.0.0.1"], &["256.0.0.1", "127.0.0.01", "127.0.0", "127.0.0.1/8"]),
            ("ipv6", &["::1", "2001:db8::ffff:1.2.3.4"], &["::1%eth0", "1:2:3", "g::", "127.0.0.1"]),
            (
                "hostname",
                &["localhost", "www.example.com", "1.example", "xn--exmple-cua.com"],
                &["", ".", "a..b", "-a.com", "a-.com", "a_b.com", "example.com.", "exämple.com", &long_label],
            ),
        ];
        for (name, valid, invalid) in table {
            let format = Format::named(name).expect("the table names formats that are checked");
            for text in *valid {
                assert!(format.accepts(text), "{name}: {text:?} is valid");
            }
            for text in *invalid {
                assert!(!format.accepts(text), "{name}: {text:?} is invalid");
            }
        }
        assert_eq!(Format::named("password"), None);
    }
}
