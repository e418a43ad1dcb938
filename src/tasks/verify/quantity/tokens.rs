//! A text in plain signs, cut into numbers, words and signs.

use super::plain::{COMMAND, HARD_SPACE};

/// A token, and whether nothing stands between it and the one before.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spaced {
    pub token: Token,
    pub glued: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(Literal),
    Word(String),
    /// A TeX command that is unknown to us.
    Command(String),
    /// `\frac`; its arguments follow.
    Fraction,
    /// An exponent or an index with all that belongs to it: the `2` of `m^2`, the `1` of `x_{1}`.
    Script {
        raised: bool,
        content: String,
    },
    /// One of `+ - × ÷ / ^ ± √ < > ≥ ≠ = ≈ :`.
    Sign(char),
    Open,
    Close,
    Comma,
    Currency,
    Percent,
    /// `…` or `...`.
    Dots,
    Line,
    Other(char),
}

/// A number as it is written, or digits that no way of writing numbers explains.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Read {
        whole: String,
        fraction: String,
        exponent: i64,
    },
    Unreadable,
}

/// A letter that makes up words with its neighbours. Scripts without spaces between words have none.
fn is_letter(sign: char) -> bool {
    let without_spaces =
        matches!(sign, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}');
    sign.is_alphabetic() && !without_spaces
}

fn is_digit(sign: Option<&char>) -> bool {
    sign.is_some_and(char::is_ascii_digit)
}

/// Whether a sign can end what could be multiplied or subtracted from.
fn ends_operand(sign: char) -> bool {
    is_letter(sign) || sign.is_numeric() || matches!(sign, ')' | ']' | '}' | '%')
}

fn begins_operand(sign: char) -> bool {
    is_letter(sign) || sign.is_numeric() || matches!(sign, '(' | '[' | '{' | COMMAND | '$' | '√')
}

/// Cuts a text up.
pub(super) fn tokens(text: &[char]) -> Vec<Spaced> {
    let mut lexer = Lexer {
        text,
        place: 0,
        tokens: Vec::new(),
        glued: false,
    };
    while lexer.place < text.len() {
        lexer.step();
    }
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a [char],
    place: usize,
    tokens: Vec<Spaced>,
    /// Whether the next token stands right behind the last one.
    glued: bool,
}

impl Lexer<'_> {
    fn at(&self, ahead: usize) -> Option<&char> {
        self.text.get(self.place + ahead)
    }

    fn before(&self) -> Option<char> {
        self.text[..self.place].last().copied()
    }

    fn last(&self) -> Option<&Token> {
        self.tokens.last().map(|spaced| &spaced.token)
    }

    fn starts_line(&self) -> bool {
        matches!(self.last(), None | Some(Token::Line))
    }

    fn push(&mut self, token: Token, length: usize) {
        let glued = std::mem::replace(&mut self.glued, true);
        self.tokens.push(Spaced { token, glued });
        self.place += length;
    }

    fn step(&mut self) {
        let sign = self.text[self.place];
        match sign {
            '\n' => {
                self.push(Token::Line, 1);
                self.glued = false;
            }
            _ if sign.is_whitespace() => {
                self.place += 1;
                self.glued = false;
            }
            '~' if self.before().is_some_and(|sign| sign.is_ascii_digit()) => {
                self.place += 1;
                self.glued = false;
            }
            '0'..='9' => self.number(),
            '.' if is_digit(self.at(1))
                && !self.before().is_some_and(|sign| sign.is_alphanumeric()) =>
            {
                self.number();
            }
            '.' if self.at(1) == Some(&'.') => {
                let length = self.text[self.place..]
                    .iter()
                    .take_while(|sign| **sign == '.')
                    .count();
                self.push(Token::Dots, length);
            }
            '…' => self.push(Token::Dots, 1),
            _ if sign.is_numeric() => {
                let rest = self.text[self.place..].iter();
                let length = rest.take_while(|sign| sign.is_alphanumeric()).count();
                self.push(Token::Number(Literal::Unreadable), length);
            }
            _ if is_letter(sign) => self.word(),
            COMMAND => self.command(),
            '^' | '_' => self.script(sign == '^'),
            '*' => self.stars(),
            '(' | '[' | '{' => self.push(Token::Open, 1),
            ')' | ']' | '}' => self.push(Token::Close, 1),
            ',' => self.push(Token::Comma, 1),
            '$' | '€' | '£' | '¥' | '₹' | '₩' | '₽' | '¢' => {
                self.push(Token::Currency, 1)
            }
            '%' | '‰' => self.push(Token::Percent, 1),
            // The mark of a quotation.
            '>' if self.starts_line() && self.at(1).is_some_and(|sign| sign.is_whitespace()) => {
                self.place += 1;
            }
            // The head of an arrow.
            '>' if self.glued && matches!(self.before(), Some('-' | '=')) => {
                self.tokens.pop();
                self.place += 1;
                self.glued = false;
            }
            // At the start of a line it marks an entry of a list.
            '×' if self.starts_line() => self.push(Token::Other(sign), 1),
            '+' | '-' | '×' | '÷' | '/' | '±' | '√' | '<' | '>' | '≥' | '≠' | '=' | '≈' | ':' =>
            {
                self.push(Token::Sign(sign), 1);
            }
            _ => self.push(Token::Other(sign), 1),
        }
    }

    fn word(&mut self) {
        let rest = &self.text[self.place..];
        let mut end = 0;
        while let Some(&sign) = rest.get(end) {
            let next = rest.get(end + 1);
            let inside = match sign {
                '\'' | '’' => next.is_some_and(|sign| is_letter(*sign)),
                // A version, a code: `v1.2`.
                '.' | ',' => rest[end - 1].is_ascii_digit() && is_digit(next),
                _ => is_letter(sign) || sign.is_numeric(),
            };
            if !inside {
                break;
            }
            end += 1;
        }
        let word = rest[..end].iter().collect();
        self.push(Token::Word(word), end);
    }

    fn command(&mut self) {
        let rest = &self.text[self.place + 1..];
        let letters = rest
            .iter()
            .take_while(|sign| sign.is_ascii_alphabetic())
            .count();
        let name: String = rest[..letters].iter().collect();
        let token = match name.as_str() {
            "frac" => Token::Fraction,
            _ => Token::Command(name),
        };
        self.push(token, letters + 1);
    }

    /// An exponent or an index, if it belongs to something; a lone `_` is emphasis.
    fn script(&mut self, raised: bool) {
        let operand = self.glued && self.before().is_some_and(ends_operand);
        let rest = &self.text[self.place + 1..];
        let (content, length) = match rest.first() {
            Some('{' | '(') => {
                let mut depth = 0;
                let end = rest.iter().position(|sign| {
                    match sign {
                        '{' | '(' => depth += 1,
                        '}' | ')' => depth -= 1,
                        _ => {}
                    }
                    depth == 0
                });
                let end = end.unwrap_or(rest.len() - 1);
                (&rest[1..end.max(1)], end + 1)
            }
            Some('°' | '\'' | '*') => (&rest[..1], 1),
            Some(&COMMAND) => {
                let letters = rest[1..]
                    .iter()
                    .take_while(|sign| sign.is_ascii_alphabetic());
                let length = 1 + letters.count();
                (&rest[..length], length)
            }
            _ => {
                let sign = usize::from(matches!(rest.first(), Some('-' | '+')));
                let inside = |place: usize| match rest.get(place) {
                    Some('.') => is_digit(rest.get(place + 1)),
                    Some(sign) => sign.is_alphanumeric(),
                    None => false,
                };
                let length = (sign..).take_while(|&place| inside(place)).count();
                let length = if length == 0 { 0 } else { length + sign };
                (&rest[..length], length)
            }
        };
        let content: String = content
            .iter()
            .filter(|sign| !sign.is_whitespace())
            .collect();
        if operand && content == "°" {
            self.place += length + 1;
        } else if operand && length > 0 {
            self.push(Token::Script { raised, content }, length + 1);
        } else if raised {
            self.push(Token::Sign('^'), 1);
        } else {
            self.place += 1;
        }
    }

    /// `*` multiplies, lists or stresses.
    fn stars(&mut self) {
        let rest = &self.text[self.place..];
        let length = rest.iter().take_while(|sign| **sign == '*').count();
        let left = self
            .before()
            .filter(|_| self.glued)
            .is_some_and(ends_operand);
        let right = rest.get(length).copied();
        let spaced = |sign: Option<char>| sign.is_none_or(char::is_whitespace);
        let behind_a_number = matches!(
            self.last(),
            Some(Token::Number(_) | Token::Close | Token::Script { .. })
        );
        let multiplies = match (self.glued, spaced(right)) {
            (true, false) => left && right.is_some_and(begins_operand),
            (false, true) => !self.starts_line() && right.is_some(),
            (false, false) => behind_a_number,
            (true, true) => false,
        };
        if multiplies {
            self.push(Token::Sign('×'), length);
        } else {
            self.place += length;
        }
    }

    fn number(&mut self) {
        let (literal, length) = literal(&self.text[self.place..]);
        self.push(Token::Number(literal), length);
    }
}

/// Reads a number with its thousands separators, point and exponent, and tells its length. `text`
/// begins with a digit or with a point before one.
fn literal(text: &[char]) -> (Literal, usize) {
    let mut groups: Vec<String> = vec![String::new()];
    let mut separators: Vec<char> = Vec::new();
    let mut end = 0;
    while let Some(&sign) = text.get(end) {
        if sign.is_ascii_digit() {
            groups.last_mut().expect("one at least").push(sign);
        } else if is_digit(text.get(end + 1)) && separates(sign, &text[end..], &groups, &separators)
        {
            separators.push(if sign == '’' { '\'' } else { sign });
            groups.push(String::new());
        } else {
            break;
        }
        end += 1;
    }
    let parts = whole_and_fraction(&groups, &separators);
    let (exponent, length) = exponent(&text[end..]);
    let literal = match (parts, exponent) {
        (Some((whole, fraction)), Some(exponent)) => Literal::Read {
            whole,
            fraction,
            exponent,
        },
        _ => Literal::Unreadable,
    };
    (literal, end + length)
}

/// Whether a sign between two digits may be inside one number. A plain space is only where it looks
/// like a thousands separator and nothing else: `1 234`, but not `1 2` or `2024 300`.
fn separates(sign: char, rest: &[char], groups: &[String], separators: &[char]) -> bool {
    match sign {
        '.' | ',' | '\'' | '’' | '_' => true,
        ' ' | HARD_SPACE | '~' => {
            let digits = rest[1..]
                .iter()
                .take_while(|sign| sign.is_ascii_digit())
                .count();
            let first = &groups[0];
            digits == 3
                && (1..=3).contains(&first.len())
                && !first.starts_with('0')
                && separators.iter().all(|known| *known == sign)
        }
        _ => false,
    }
}

/// Groups of digits as what stands before and behind the point; `None` where the separators cannot
/// be explained: `1,2` may be a list, `1.2.3` is a version.
fn whole_and_fraction(groups: &[String], separators: &[char]) -> Option<(String, String)> {
    let thousands = |groups: &[String]| {
        let first = &groups[0];
        let short = (1..=3).contains(&first.len()) && !first.starts_with('0');
        (short && groups[1..].iter().all(|group| group.len() == 3)).then(|| groups.concat())
    };
    let all_are = |separators: &[char]| separators.iter().all(|sign| *sign == separators[0]);
    let (last, others) = match separators.split_last() {
        None => return Some((groups[0].clone(), String::new())),
        Some(split) => split,
    };
    let fraction = groups.last()?;
    let before = &groups[..groups.len() - 1];
    match (last, others) {
        ('.', []) => Some((groups[0].clone(), fraction.clone())),
        // `1,234.5`, and with the signs exchanged.
        ('.', [',' | ' ' | '\'' | '_' | '~' | HARD_SPACE, ..]) if all_are(others) => {
            Some((thousands(before)?, fraction.clone()))
        }
        (',', ['.' | ' ' | '\'' | HARD_SPACE, ..]) if all_are(others) => {
            Some((thousands(before)?, fraction.clone()))
        }
        _ if all_are(separators) => Some((thousands(groups)?, String::new())),
        _ => None,
    }
}

/// The exponent behind a number's digits (0 where there is none) with its length; `None` where
/// letters and digits follow that are no exponent, as in `0x1F`.
fn exponent(text: &[char]) -> (Option<i64>, usize) {
    let glued = text
        .iter()
        .take_while(|sign| is_letter(**sign) || sign.is_numeric())
        .count();
    let sign =
        usize::from(glued == 1 && matches!(text.get(1), Some('-' | '+')) && is_digit(text.get(2)));
    let marked = matches!(text.first(), Some('e' | 'E'));
    let digits = text
        .iter()
        .skip(1 + sign)
        .take_while(|sign| sign.is_ascii_digit())
        .count();
    let end = 1 + sign + digits;
    if marked && digits > 0 {
        let whole = !text.get(end).is_some_and(|sign| {
            sign.is_alphanumeric() || *sign == '.' && is_digit(text.get(end + 1))
        });
        let value: String = text[1..end].iter().filter(|sign| **sign != '+').collect();
        return (value.parse().ok().filter(|_| whole), end.max(glued));
    }
    let digits_among_letters = text[..glued].iter().any(|sign| sign.is_numeric());
    match digits_among_letters {
        true => (None, glued),
        false => (Some(0), 0),
    }
}
