//! Chat templates: the Jinja programs that write a conversation as the text a model was trained on.
//!
//! They are written for transformers, so the engine is set up as transformers sets up Jinja
//! (`transformers/utils/chat_template_utils.py`): blocks leave no white space behind, strings have
//! Python's methods, `tojson` writes JSON as `json.dumps` does, `raise_exception` refuses a
//! conversation. There is no `strftime_now`: a prompt must not depend on the day, and templates
//! that know it fall back to a fixed date where it is missing.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, Value, context};
use serde::{Deserialize, Serialize};

use super::TextError;

/// The template's name inside its environment.
const NAME: &str = "chat";

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks: `system`, `user` or `assistant`.
    pub role: String,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A turn of `role`.
    pub fn new(role: &str, content: &str) -> Self {
        Self {
            role: role.into(),
            content: content.into(),
        }
    }
}

/// A compiled chat template with the special tokens it may name.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    special_tokens: BTreeMap<String, String>,
}

impl ChatTemplate {
    /// Compiles `source`. `special_tokens` are the template's variables `bos_token`, `eos_token`, ….
    pub fn new(source: &str, special_tokens: BTreeMap<String, String>) -> Result<Self, TextError> {
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .map_err(refused)?;
        let mut environment = Environment::new();
        environment.set_syntax(syntax);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_filter("tojson", to_json);
        environment
            .add_template_owned(NAME, source.to_owned())
            .map_err(refused)?;
        Ok(Self {
            environment,
            special_tokens,
        })
    }

    /// The conversation as text; with `add_generation_prompt`, up to where the assistant's next turn
    /// begins.
    pub fn render(
        &self,
        messages: &[Message],
        add_generation_prompt: bool,
    ) -> Result<String, TextError> {
        let turn = |turn: &Message| context! { role => &turn.role, content => &turn.content };
        let variables = context! {
            messages => Value::from_iter(messages.iter().map(turn)),
            add_generation_prompt,
            tools => Value::from(()),
            documents => Value::from(()),
            ..Value::from_pairs(&self.special_tokens)
        };
        self.environment
            .get_template(NAME)
            .and_then(|template| template.render(variables))
            .map_err(refused)
    }

    /// What the template writes after an assistant's turn; `None` where it cannot tell.
    pub fn turn_end(&self) -> Option<String> {
        const ANSWER: &str = "forty-two";
        let messages = [Message::new("user", "?"), Message::new("assistant", ANSWER)];
        let text = self.render(&messages, false).ok()?;
        let (_, end) = text.rsplit_once(ANSWER)?;
        Some(end.to_owned())
    }
}

/// The reason an error gives, with what caused it.
fn refused(error: Error) -> TextError {
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        reason = format!("{reason}: {error}");
        cause = error.source();
    }
    TextError::ChatTemplate { reason }
}

/// `raise_exception(message)`: how a template refuses a conversation.
fn raise_exception(message: String) -> Result<String, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// `tojson(indent=None)` as `json.dumps(value, ensure_ascii=False)` writes it: spaces after `,` and
/// `:`, and no escapes for HTML.
fn to_json(value: &Value, options: Kwargs) -> Result<String, Error> {
    let indent: Option<usize> = options.get("indent")?;
    options.assert_all_used()?;
    let written = match indent {
        Some(width) => {
            let indent = " ".repeat(width);
            let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
            write_json(value, formatter)
        }
        None => write_json(value, Spaced),
    };
    written.map_err(|error| {
        Error::new(ErrorKind::InvalidOperation, "cannot be written as JSON").with_source(error)
    })
}

fn write_json(value: &Value, style: impl serde_json::ser::Formatter) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(
        &mut bytes, style,
    ))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Python's default separators, `", "` and `": "`.
struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
    ) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}
