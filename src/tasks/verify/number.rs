//! Exact numbers, compared by their text.

use std::fmt;

use super::quantity;
use crate::tasks::expression::Rational;

/// The largest power of ten, up or down, that is written out.
const LARGEST_EXPONENT: u64 = 400;

/// A number in lowest form, so that equal numbers have equal text: no sign on zero, no leading
/// zeros, no trailing zeros behind the point, no exponent. `1,000.50` is `1000.5`, `72.0` is `72`,
/// `1e-7` is `0.0000001`, `3/4` is `0.75`; a fraction without an end to its decimals stays one, `1/3`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(String);

impl Number {
    /// Reads a number that fills the whole text, but for a full stop at its end; see
    /// [`quantity`] for what counts as one number.
    pub fn parse(text: &str) -> Option<Self> {
        quantity::whole(text)
    }

    /// Reads a number as JSON and programming languages write it: `-12.5`, `1e20`.
    pub fn plain(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let number = Self::from_digits(whole, fraction, exponent)?;
        Some(if negative { number.negated() } else { number })
    }

    /// `whole.fraction × 10^exponent`. `None` without digits, with anything but digits, and beyond
    /// the powers of ten that are written out.
    pub(super) fn from_digits(whole: &str, fraction: &str, exponent: i64) -> Option<Self> {
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        if digits.bytes().all(|byte| byte == b'0') {
            return Some(Self("0".into()));
        }
        if exponent.unsigned_abs() > LARGEST_EXPONENT {
            return None;
        }
        // Where the point comes to stand, counted from the first digit.
        let point = whole.len() as i64 + exponent;
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        let digits = zeros(-point) + &digits + &zeros(point - digits.len() as i64);
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
        let (whole, fraction) = (
            whole.trim_start_matches('0'),
            fraction.trim_end_matches('0'),
        );
        let mut lowest = if whole.is_empty() { "0" } else { whole }.to_owned();
        if !fraction.is_empty() {
            lowest.push('.');
            lowest.push_str(fraction);
        }
        Some(Self(lowest))
    }

    /// The opposite.
    pub(super) fn negated(self) -> Self {
        match self.0.strip_prefix('-') {
            Some(rest) => Self(rest.to_owned()),
            None if self.0 == "0" => self,
            None => Self(format!("-{}", self.0)),
        }
    }

    /// The number times a power of ten; `None` for a fraction that has no decimal form, and where it
    /// would become too long to be written out.
    pub(super) fn shifted(&self, exponent: i64) -> Option<Self> {
        let (negative, digits) = match self.0.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, self.0.as_str()),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        // Scale upon scale (`1 million million …`) would grow without end.
        let grown = (whole.len() as i64).saturating_add(exponent);
        if exponent > 0 && grown.unsigned_abs() > LARGEST_EXPONENT {
            return None;
        }
        let number = Self::from_digits(whole, fraction, exponent)?;
        Some(if negative { number.negated() } else { number })
    }

    /// `self / other`; `None` for a division by zero and where a number has more than 18 digits.
    pub(super) fn over(&self, other: &Self) -> Option<Self> {
        Self::from_rational(self.rational()?.checked_div(other.rational()?)?)
    }

    /// `self + other`, as for [`Self::over`].
    pub(super) fn plus(&self, other: &Self) -> Option<Self> {
        Self::from_rational(self.rational()?.checked_add(other.rational()?)?)
    }

    /// Whether it is a whole number.
    pub(super) fn is_whole(&self) -> bool {
        !self.0.contains(['.', '/'])
    }

    fn rational(&self) -> Option<Rational> {
        let (over, under) = self.0.split_once('/').unwrap_or((&self.0, "1"));
        let (whole, fraction) = over.split_once('.').unwrap_or((over, ""));
        let shift = 10i64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        let digits: i64 = format!("{whole}{fraction}").parse().ok()?;
        let under: i64 = under.parse().ok()?;
        Rational::from(digits)
            .checked_div(Rational::from(shift))?
            .checked_div(Rational::from(under))
    }

    fn from_rational(value: Rational) -> Option<Self> {
        let (numerator, denominator) = (value.numerator(), value.denominator());
        // Multiplied by 2 and by 5 until it is a power of ten, if it can be one.
        let (mut rest, mut factor, mut places) = (denominator, 1i128, 0usize);
        while rest % 10 == 0 {
            (rest, places) = (rest / 10, places + 1);
        }
        for (prime, partner) in [(2, 5), (5, 2)] {
            while rest % prime == 0 {
                (rest, places) = (rest / prime, places + 1);
                factor = factor.checked_mul(partner)?;
            }
        }
        if rest != 1 {
            return Some(Self(format!("{numerator}/{denominator}")));
        }
        let digits = numerator.checked_mul(factor)?;
        let magnitude = digits.unsigned_abs().to_string();
        let padded = format!("{magnitude:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        let number = Self::from_digits(whole, fraction, 0)?;
        Some(if digits < 0 { number.negated() } else { number })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
