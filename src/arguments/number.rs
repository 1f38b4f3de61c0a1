//! Decimal numbers of any length, compared by their digits.
//!
//! A JSON number may have more digits than a float or a machine word holds, and a limit has to be
//! judged by the number that will be sent.

use std::borrow::Cow;
use std::cmp::Ordering;

/// Beyond this an exponent is only "very large": it still orders numbers correctly.
const LARGEST_EXPONENT: i64 = i64::MAX / 4;
/// A divisor of this many digits, times ten, still fits into 128 bits.
const LONGEST_DIVISOR: usize = 36;
/// More factors of ten than a divisor of [`LONGEST_DIVISOR`] digits can have factors of two or five.
const ENOUGH_TENS: i64 = 128;

/// A number as `digits` × 10^`exponent`, without leading or trailing zeros; zero has no digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal<'a> {
    negative: bool,
    digits: Cow<'a, str>,
    exponent: i64,
}

impl<'a> Decimal<'a> {
    /// Takes the text of a JSON number apart.
    pub(super) fn parse(text: &'a str) -> Self {
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = rest.split_once(['e', 'E']).map_or((rest, 0), |(m, e)| (m, exponent_of(e)));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let fraction = fraction.trim_end_matches('0');
        let (digits, trailing) = if fraction.is_empty() {
            let (digits, trailing) = significant(whole);
            (Cow::Borrowed(digits), trailing)
        } else {
            let joined = [whole, fraction].concat();
            let (digits, trailing) = significant(&joined);
            (Cow::Owned(digits.to_owned()), trailing)
        };
        if digits.is_empty() {
            return Self { negative: false, digits, exponent: 0 };
        }
        Self { negative, digits, exponent: exponent + trailing - length(fraction) }
    }

    /// The same number, independent of the text it was read from.
    pub(super) fn into_owned(self) -> Decimal<'static> {
        Decimal { negative: self.negative, digits: Cow::Owned(self.digits.into_owned()), exponent: self.exponent }
    }

    /// Whether there is nothing behind the decimal point.
    pub(super) fn is_whole(&self) -> bool {
        self.exponent >= 0
    }

    /// Whether the quotient is a whole number. Divisors that are zero or longer than any real one
    /// divide everything.
    pub(super) fn is_multiple_of(&self, divisor: &Decimal<'_>) -> bool {
        if self.digits.is_empty() || divisor.digits.is_empty() || divisor.digits.len() > LONGEST_DIVISOR {
            return true;
        }
        let tens = self.exponent - divisor.exponent;
        let Ok(modulus) = divisor.digits.parse::<u128>() else {
            return true;
        };
        // Without trailing zeros the digits are no multiple of ten, so missing tens cannot be made up for.
        tens >= 0
            && self
                .digits
                .bytes()
                .map(|digit| u128::from(digit - b'0'))
                .chain((0..tens.min(ENOUGH_TENS)).map(|_| 0))
                .fold(0, |rest, digit| (rest * 10 + digit) % modulus)
                == 0
    }

    fn magnitude(&self) -> (i64, &str) {
        let position = if self.digits.is_empty() { i64::MIN } else { self.exponent + length(&self.digits) };
        (position, &self.digits)
    }
}

/// The digits of a whole number, however it is written: `110e-1` is `11`. None for what is none, or has more digits
/// than any id.
pub(crate) fn whole_number(text: &str) -> Option<String> {
    const MOST: i64 = 64;
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if whole.is_empty() || exponent.is_empty() || ![whole, fraction, exponent].into_iter().all(digits) {
        return None;
    }
    let Decimal { negative, digits, exponent } = Decimal::parse(text.strip_prefix('+').unwrap_or(text));
    let zeros = usize::try_from(exponent).ok().filter(|_| exponent + length(&digits) <= MOST)?;
    let sign = if negative { "-" } else { "" };
    Some(if digits.is_empty() { "0".to_owned() } else { format!("{sign}{digits}{}", "0".repeat(zeros)) })
}

impl std::fmt::Display for Decimal<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}e{}", if self.negative { "-" } else { "" }, self.digits, self.exponent)
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude().cmp(&other.magnitude()),
            (true, true) => other.magnitude().cmp(&self.magnitude()),
        }
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn exponent_of(text: &str) -> i64 {
    let limit = if text.starts_with('-') { -LARGEST_EXPONENT } else { LARGEST_EXPONENT };
    text.parse().unwrap_or(limit).clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT)
}

/// The digits between leading and trailing zeros, and how many trailing ones there are.
fn significant(digits: &str) -> (&str, i64) {
    let digits = digits.trim_start_matches('0');
    let core = digits.trim_end_matches('0');
    (core, length(digits) - length(core))
}

fn length(digits: &str) -> i64 {
    i64::try_from(digits.len()).unwrap_or(LARGEST_EXPONENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_their_digits() {
        use Ordering::{Equal, Greater, Less};
        for (a, b, expected) in [
            ("5", "5.0", Equal),
            ("5", "0.5e1", Equal),
            ("500", "5e+2", Equal),
            ("-0", "0.000", Equal),
            ("0e99", "0", Equal),
            ("9007199254740993", "9007199254740992", Greater),
            ("18446744073709551616", "18446744073709551615", Greater),
            ("-18446744073709551616", "-18446744073709551615", Less),
            ("0.1", "0.10000000000000000001", Less),
            ("12", "9", Greater),
            ("-12", "9", Less),
            ("-1", "0", Less),
            ("0", "-1", Greater),
            ("0", "1e-400", Less),
            ("1e400", "1e399", Greater),
            ("1e99999999999999999999", "1", Greater),
            ("1e-99999999999999999999", "1", Less),
        ] {
            assert_eq!(Decimal::parse(a).cmp(&Decimal::parse(b)), expected, "{a} {b}");
            assert_eq!(Decimal::parse(b).cmp(&Decimal::parse(a)), expected.reverse(), "{b} {a}");
        }
    }

    #[test]
    fn a_whole_number_has_one_text() {
        for (text, expected) in [
            ("11", Some("11")),
            ("0011", Some("11")),
            ("+11.00", Some("11")),
            ("1.1e1", Some("11")),
            ("110E-1", Some("11")),
            ("12e+3", Some("12000")),
            ("-7", Some("-7")),
            ("-0", Some("0")),
            ("0e99999999999999999999", Some("0")),
            ("1e64", None),
            ("1e99999999999999999999", None),
            ("11.5", None),
            ("e5", None),
            ("1e", None),
            ("1.2.3", None),
            ("eleven", None),
            ("+-1", None),
            ("", None),
        ] {
            assert_eq!(whole_number(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn whole_numbers_and_multiples() {
        for (text, expected) in [
            ("5", true),
            ("5.0", true),
            ("5.5", false),
            ("1e3", true),
            ("15e-1", false),
            ("10e-1", true),
            ("-0.0", true),
        ] {
            assert_eq!(Decimal::parse(text).is_whole(), expected, "{text}");
        }
        for (value, divisor, expected) in [
            ("10", "5", true),
            ("11", "5", false),
            ("0", "7", true),
            ("0.3", "0.1", true),
            ("0.35", "0.1", false),
            ("1e300", "8", true),
            ("1e300", "3", false),
            ("-9007199254740993", "3", true),
            ("-9007199254740992", "3", false),
            ("100", "2.5", true),
            ("4", "0", true),
        ] {
            assert_eq!(Decimal::parse(value).is_multiple_of(&Decimal::parse(divisor)), expected, "{value} {divisor}");
        }
    }
}
