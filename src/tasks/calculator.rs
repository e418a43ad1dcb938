//! Values of the small calculations that worked solutions write down, such as `(3+5)*.25`.

/// Parentheses deeper than this are not calculations of a worked solution (and a completion may
/// hold any text, so the depth must be bounded).
const DEEPEST: usize = 64;

/// How far two sides of an equation may be apart: solutions round to a few decimals.
const TOLERANCE: f64 = 1e-3;

/// The value of an expression of decimal numbers, `+ - * /` and parentheses, with white space around
/// them and thousands commas; `//` is division rounded down, as in Python. `None` where it is no
/// such expression or has no finite value.
pub fn evaluate(expression: &str) -> Option<f64> {
    let symbols = symbols(expression)?;
    let mut parser = Parser {
        symbols: &symbols,
        next: 0,
    };
    let value = parser.sum(0)?;
    (parser.next == symbols.len() && value.is_finite()).then_some(value)
}

/// The operations in an expression: its signs that stand between two operands.
pub fn operations(expression: &str) -> u32 {
    let symbols = symbols(expression).unwrap_or_default();
    let joins = |pair: &[u8]| {
        let operand = pair[0].is_ascii_digit() || matches!(pair[0], b')' | b'.');
        operand && b"+-*/".contains(&pair[1])
    };
    symbols.windows(2).filter(|pair| joins(pair)).count() as u32
}

/// An expression without white space and thousands commas. `None` where dropping these would make
/// one number of several: `1 2`, `1,2`.
fn symbols(expression: &str) -> Option<Vec<u8>> {
    let bytes = expression.as_bytes();
    let mut symbols: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut parted = false;
    for (place, byte) in bytes.iter().enumerate() {
        if byte.is_ascii_whitespace() {
            parted = true;
            continue;
        }
        let numeral = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
        let behind_a_digit = symbols.last().is_some_and(u8::is_ascii_digit);
        if *byte == b',' {
            let rest = &bytes[place + 1..];
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if parted || !behind_a_digit || digits != 3 {
                return None;
            }
            continue;
        }
        if parted && numeral(byte) && symbols.last().is_some_and(numeral) {
            return None;
        }
        parted = false;
        symbols.push(*byte);
    }
    Some(symbols)
}

/// Whether two expressions have the same value within 1e-3 (the tolerance of OFA-Sys/gsm8k-ScRel);
/// `None` where one of them has none.
pub fn agree(left: &str, right: &str) -> Option<bool> {
    Some((evaluate(left)? - evaluate(right)?).abs() <= TOLERANCE)
}

/// A recursive-descent parser: sum → product → factor.
struct Parser<'a> {
    symbols: &'a [u8],
    next: usize,
}

impl Parser<'_> {
    fn take(&mut self, any_of: &[u8]) -> Option<u8> {
        let symbol = *self.symbols.get(self.next)?;
        any_of.contains(&symbol).then(|| {
            self.next += 1;
            symbol
        })
    }

    fn sum(&mut self, depth: usize) -> Option<f64> {
        let mut value = self.product(depth)?;
        while let Some(operator) = self.take(b"+-") {
            let right = self.product(depth)?;
            value = if operator == b'+' {
                value + right
            } else {
                value - right
            };
        }
        Some(value)
    }

    fn product(&mut self, depth: usize) -> Option<f64> {
        let mut value = self.factor(depth)?;
        while let Some(operator) = self.take(b"*/") {
            let rounded = operator == b'/' && self.take(b"/").is_some();
            let right = self.factor(depth)?;
            value = match operator {
                b'*' => value * right,
                _ if rounded => (value / right).floor(),
                _ => value / right,
            };
        }
        Some(value)
    }

    fn factor(&mut self, depth: usize) -> Option<f64> {
        if depth > DEEPEST {
            return None;
        }
        if let Some(sign) = self.take(b"+-") {
            let value = self.factor(depth + 1)?;
            return Some(if sign == b'-' { -value } else { value });
        }
        if self.take(b"(").is_some() {
            let value = self.sum(depth + 1)?;
            return self.take(b")").map(|_| value);
        }
        let start = self.next;
        while self.take(b"0123456789.").is_some() {}
        std::str::from_utf8(&self.symbols[start..self.next])
            .ok()?
            .parse()
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_precedence_and_parentheses() {
        for (expression, value) in [
            ("48/2", 24.0),
            ("2+3*4-5", 9.0),
            ("(2+3)*4", 20.0),
            ("100-50-30-15", 5.0),
            ("8/4/2", 1.0),
            ("7//2*2", 6.0),
            (".25*8", 2.0),
            ("-3+5", 2.0),
            ("2*-3", -6.0),
            ("1,000 * 2", 2000.0),
            ("1,234,567", 1_234_567.0),
        ] {
            assert_eq!(evaluate(expression), Some(value), "{expression}");
        }
    }

    #[test]
    fn what_is_no_calculation_has_no_value() {
        for expression in [
            "", "x", "2+", "(2", "2)", "1/0", "8///2", "8/ /", "1.2.3", "2 apples", "()", "é",
            "1 2", "1,2", "1,2345", "1, 234", "1 .5", ",5",
        ] {
            assert_eq!(evaluate(expression), None, "{expression}");
        }
        assert_eq!(evaluate(&"(".repeat(1_000_000)), None);
        assert_eq!(evaluate(&"-".repeat(1_000_000)), None);
    }

    #[test]
    fn operations_stand_between_two_operands() {
        for (expression, count) in [
            ("48/2", 1),
            ("-3+5", 1),
            ("2*-3", 1),
            ("(2+3)*4-1", 3),
            ("7//2", 1),
            ("5", 0),
            ("1,000 + 2", 1),
        ] {
            assert_eq!(operations(expression), count, "{expression}");
        }
    }

    #[test]
    fn equations_hold_within_a_thousandth() {
        for (left, right, holds) in [
            ("48/2", "24", Some(true)),
            ("2/3", "0.667", Some(true)),
            ("3/4", "3/4", Some(true)),
            ("2/3", "0.66", Some(false)),
            ("48/2", "25", Some(false)),
            ("x", "5", None),
            ("1", "1=1", None),
        ] {
            assert_eq!(agree(left, right), holds, "{left} and {right}");
        }
    }
}
