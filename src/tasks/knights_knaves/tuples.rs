//! Reading and writing statements in the form of the published data: Python tuples as text.

use super::statement::{MAX_PEOPLE, Statement};

/// Deepest nesting of statements that is read.
const MAX_DEPTH: usize = 32;

/// Why a text is not a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Something else stands where the grammar wants this.
    #[error("expected {expected} at byte {position}, found {found:?}")]
    Expected {
        /// What should be there.
        expected: &'static str,
        /// Bytes before it.
        position: usize,
        /// The next few characters.
        found: String,
    },
    /// A statement about somebody who says nothing.
    #[error("person {person} is mentioned, but there are only {people} people (counted from 0)")]
    Person {
        /// Who is mentioned.
        person: usize,
        /// How many people there are.
        people: usize,
    },
    /// More people than can be solved for by trying.
    #[error("there are {0} people; at most {MAX_PEOPLE} are supported")]
    People(usize),
}

impl Statement {
    /// Reads one statement, such as `('->', ('telling-truth', 1), ('lying', 0))`.
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        let mut reader = Reader { text, position: 0 };
        let statement = reader.statement(0)?;
        reader.end()?;
        Ok(statement)
    }

    /// Reads the statements of a whole puzzle, a tuple with one statement per person, and checks
    /// that only these people are mentioned.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, StatementError> {
        let mut reader = Reader { text, position: 0 };
        reader.sign("(", "an opening parenthesis")?;
        let mut statements = vec![reader.statement(0)?];
        while reader.next_part() {
            statements.push(reader.statement(0)?);
        }
        reader.sign(")", "a closing parenthesis")?;
        reader.end()?;
        let people = statements.len();
        if people > MAX_PEOPLE {
            return Err(StatementError::People(people));
        }
        match statements
            .iter()
            .flat_map(Statement::people)
            .find(|&person| person >= people)
        {
            Some(person) => Err(StatementError::Person { person, people }),
            None => Ok(statements),
        }
    }
}

/// The statements of a whole puzzle as one tuple, which [`Statement::parse_all`] reads back.
pub fn write_all(statements: &[Statement]) -> String {
    let parts: Vec<String> = statements.iter().map(Statement::to_string).collect();
    let comma = if parts.len() == 1 { "," } else { "" };
    format!("({}{comma})", parts.join(", "))
}

struct Reader<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Reader<'a> {
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.position..];
        let trimmed = rest.trim_ascii_start();
        self.position += rest.len() - trimmed.len();
        trimmed
    }

    fn expected(&mut self, expected: &'static str) -> StatementError {
        let found = self.rest().chars().take(20).collect();
        StatementError::Expected {
            expected,
            position: self.position,
            found,
        }
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.position += sign.len();
        }
        found
    }

    fn sign(&mut self, sign: &str, name: &'static str) -> Result<(), StatementError> {
        if self.take(sign) {
            Ok(())
        } else {
            Err(self.expected(name))
        }
    }

    fn end(&mut self) -> Result<(), StatementError> {
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(self.expected("the end"))
        }
    }

    /// Takes a comma and says whether another part follows it; Python allows a comma at the end.
    fn next_part(&mut self) -> bool {
        self.take(",") && !self.rest().starts_with(')')
    }

    fn person(&mut self) -> Result<usize, StatementError> {
        let rest = self.rest();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let Ok(person) = rest[..digits].parse() else {
            return Err(self.expected("a person's number"));
        };
        self.position += digits;
        Ok(person)
    }

    fn statement(&mut self, depth: usize) -> Result<Statement, StatementError> {
        if depth > MAX_DEPTH {
            return Err(self.expected("a statement that is not nested so deep"));
        }
        self.sign("(", "an opening parenthesis")?;
        let sign = ["telling-truth", "lying", "not", "and", "or", "->", "<=>"]
            .into_iter()
            .find(|sign| self.take(&format!("'{sign}'")) || self.take(&format!("\"{sign}\"")))
            .ok_or_else(|| {
                self.expected("'telling-truth', 'lying', 'not', 'and', 'or', '->' or '<=>'")
            })?;
        self.sign(",", "a comma")?;
        let statement = match sign {
            "telling-truth" => Statement::Knight(self.person()?),
            "lying" => Statement::Knave(self.person()?),
            "not" => Statement::Not(Box::new(self.statement(depth + 1)?)),
            "and" => Statement::And(self.several(depth)?),
            "or" => Statement::Or(self.several(depth)?),
            _ => {
                let one = Box::new(self.statement(depth + 1)?);
                self.sign(",", "a comma")?;
                let other = Box::new(self.statement(depth + 1)?);
                if sign == "->" {
                    Statement::Implies(one, other)
                } else {
                    Statement::Iff(one, other)
                }
            }
        };
        self.take(",");
        self.sign(")", "a closing parenthesis")?;
        Ok(statement)
    }

    fn several(&mut self, depth: usize) -> Result<Vec<Statement>, StatementError> {
        let mut parts = vec![self.statement(depth + 1)?];
        while self.next_part() {
            parts.push(self.statement(depth + 1)?);
        }
        Ok(parts)
    }
}
