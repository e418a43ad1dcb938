//! Exact fractions.

/// A fraction in lowest terms with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rational {
    numerator: i128,
    denominator: i128,
}

impl From<i64> for Rational {
    fn from(number: i64) -> Self {
        Self {
            numerator: number.into(),
            denominator: 1,
        }
    }
}

impl Rational {
    /// `numerator / denominator` in lowest terms; `None` for a zero denominator or on overflow.
    fn new(numerator: i128, denominator: i128) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let (mut divisor, mut rest) = (numerator.checked_abs()?, denominator.checked_abs()?);
        while rest != 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        // The denominator is not zero, so neither is the divisor.
        let divisor = divisor * denominator.signum();
        Some(Self {
            numerator: numerator / divisor,
            denominator: denominator / divisor,
        })
    }

    /// The number above the line.
    pub fn numerator(self) -> i128 {
        self.numerator
    }

    /// The number below the line, which is positive.
    pub fn denominator(self) -> i128 {
        self.denominator
    }

    /// The whole number it is, if it is one that fits 64 bits.
    pub fn as_integer(self) -> Option<i64> {
        if self.denominator == 1 {
            self.numerator.try_into().ok()
        } else {
            None
        }
    }

    /// The sum; `None` on overflow.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let left = self.numerator.checked_mul(other.denominator)?;
        let right = other.numerator.checked_mul(self.denominator)?;
        Self::new(
            left.checked_add(right)?,
            self.denominator.checked_mul(other.denominator)?,
        )
    }

    /// The difference; `None` on overflow.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(Self {
            numerator: other.numerator.checked_neg()?,
            ..other
        })
    }

    /// The product; `None` on overflow.
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        Self::new(
            self.numerator.checked_mul(other.numerator)?,
            self.denominator.checked_mul(other.denominator)?,
        )
    }

    /// The quotient; `None` on division by zero or overflow.
    pub fn checked_div(self, other: Self) -> Option<Self> {
        Self::new(
            self.numerator.checked_mul(other.denominator)?,
            self.denominator.checked_mul(other.numerator)?,
        )
    }
}
