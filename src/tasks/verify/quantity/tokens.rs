//! A text in plain signs, cut into numbers, words and signs.

use super::literal::{Literal, literal};
use super::plain::COMMAND;

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

/// A letter that makes up words with its neighbours. Scripts without spaces between words have none.
pub(super) fn is_letter(sign: char) -> bool {
    let without_spaces =
        matches!(sign, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}');
    sign.is_alphabetic() && !without_spaces
}

pub(super) fn is_digit(sign: Option<&char>) -> bool {
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
