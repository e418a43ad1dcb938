//! Any JSON Lines file with a prompt and a completion, in the shapes TRL reads.
//!
//! - `{"prompt": "…", "completion": "…"}`
//! - `{"prompt": [{"role": …, "content": …}, …], "completion": [{…}]}`
//! - `{"messages": [{"role": …, "content": …}, …]}`: the last assistant message is the completion,
//!   what stands before it the prompt.
//!
//! A prompt that is a single user message is that message's text; of several messages, each
//! begins with its role (`System: …`, `User: …`), with an empty line between two.
//!
//! Texts are kept as they are, white space at their ends included: it is part of the tokens that are
//! learnt.
//!
//! The reference answer stands under `task.files.answer_key`, or is the one the completion marks
//! ([`verify::marked`]). Answers are compared by `task.files.verifier`. A number under that key is in
//! normal form for the verifier `number`; for the others, which compare texts, it stays as the file
//! writes it.

use super::error::BadRow;
use super::file_task::Format;
use super::library::{Record, content_id};
use super::reading::{Object, Value, as_text, list, text, value, wrong_type};
use super::verify::{self, Marked};
use super::{Perturbation, Problem, Reward, perturb, tags};
use crate::config::{FilesConfig, Layout, Verifier};

/// The highest level a file may name; a larger number is more likely a mistaken key.
const HIGHEST_LEVEL: u32 = 1000;

/// The format of generic JSON Lines files.
#[derive(Clone, Debug)]
pub struct Jsonl {
    layout: Layout,
    verifier: Verifier,
    answer_key: String,
    level_key: String,
}

impl Jsonl {
    /// The format that the configuration describes.
    pub fn new(layout: Layout, files: &FilesConfig) -> Self {
        Self {
            layout,
            verifier: files.verifier,
            answer_key: files.answer_key.clone(),
            level_key: files.level_key.clone(),
        }
    }

    fn read_answer(&self, completion: &str) -> Option<String> {
        match self.layout {
            Layout::Compact => verify::read(self.verifier, completion),
            Layout::Tags => verify::normal_form(self.verifier, tags::answer(completion)?),
        }
    }

    /// The reference: what the file says under the configured key, else what the completion marks.
    fn reference(&self, row: &Object, completion: &str) -> Result<String, BadRow> {
        let (key, answer) = if self.answer_key.is_empty() {
            let marked = verify::marked(self.verifier, completion);
            let marked = marked.ok_or_else(|| BadRow::NoReference {
                reason: match self.verifier {
                    Verifier::Number => {
                        "the completion has no `#### ` before a number, no `\\boxed{…}` and no \
                         `<answer>…</answer>`; name the key that holds the answer in \
                         task.files.answer_key (it may be `completion`)"
                    }
                    _ => {
                        "the completion has no `\\boxed{…}`, no `<answer>…</answer>` and no \
                         `#### …` on its last line; name the key that holds the answer in \
                         task.files.answer_key (it may be `completion`)"
                    }
                }
                .to_owned(),
            })?;
            ("completion", marked.text().to_owned())
        } else {
            (
                self.answer_key.as_str(),
                self.keyed_answer(row, completion)?,
            )
        };
        if self.verifier == Verifier::Regex {
            return match verify::whole_match(&answer) {
                Ok(_) => Ok(answer),
                Err(error) => Err(BadRow::invalid(key, &answer, error.to_string())),
            };
        }
        let normal = match key {
            "completion" => verify::read(self.verifier, completion),
            _ => verify::normal_form(self.verifier, &answer),
        };
        normal.ok_or_else(|| {
            let reason = match self.verifier {
                Verifier::Number if answer.contains(|sign: char| sign.is_ascii_digit()) => {
                    "its last number cannot be read whole: write one number, such as 1234.5"
                }
                Verifier::Number => "there is no number in it",
                Verifier::Choice => "it names several options, or none",
                Verifier::Boxed if key == "completion" => {
                    r"it marks no answer, such as `\boxed{7}`"
                }
                Verifier::Exact | Verifier::Boxed | Verifier::Regex => "it is empty",
            };
            BadRow::invalid(key, &answer, reason)
        })
    }

    fn keyed_answer(&self, row: &Object, completion: &str) -> Result<String, BadRow> {
        if self.answer_key == "completion" {
            let marked = verify::marked(self.verifier, completion);
            return Ok(marked.map_or(completion, |mark| mark.text()).to_owned());
        }
        match value(row, &self.answer_key)? {
            Value::Text(answer) => Ok(answer.clone()),
            Value::Number(answer) if self.verifier == Verifier::Number => Ok(answer.to_string()),
            // Texts are compared: `4.0` in the file is `4.0`.
            Value::Number(answer) => Ok(answer.written().to_owned()),
            other => Err(wrong_type(&self.answer_key, other, "a text or a number")),
        }
    }

    fn level(&self, row: &Object) -> Result<u32, BadRow> {
        if self.level_key.is_empty() {
            return Ok(1);
        }
        let text = match value(row, &self.level_key)? {
            Value::Number(number) => number.to_string(),
            Value::Text(text) => text.trim().to_owned(),
            other => return Err(wrong_type(&self.level_key, other, "a whole number")),
        };
        match text.parse::<u32>() {
            Ok(level) if level <= HIGHEST_LEVEL => Ok(level),
            _ => {
                let reason = format!("expected a whole number from 0 to {HIGHEST_LEVEL}");
                Err(BadRow::invalid(&self.level_key, &text, reason))
            }
        }
    }

    /// The completion in the configured layout. One that states no answer of its own gets the
    /// reference at its end; one that has the tags already stays as it is.
    fn lay_out(&self, completion: &str, reference: &str) -> String {
        let marked = match verify::marked(self.verifier, completion) {
            // Of `#### 10 apples for 3 children` the number alone is the answer.
            Some(Marked::Hashed(_)) if self.verifier == Verifier::Number => {
                verify::read(self.verifier, completion)
            }
            mark => mark.map(|mark| mark.text().to_owned()),
        };
        match self.layout {
            Layout::Tags if tags::well_formed(completion) => completion.to_owned(),
            Layout::Tags => {
                // A pattern is no answer: what it is to match stands in the completion.
                let unmarked = match self.verifier {
                    Verifier::Regex => completion,
                    _ => reference,
                };
                tags::wrap(
                    &without_tags(completion),
                    marked.as_deref().unwrap_or(unmarked),
                )
            }
            Layout::Compact => {
                let agrees = verify::read(self.verifier, completion)
                    .is_some_and(|answer| verify::agrees(self.verifier, reference, &answer));
                if agrees || marked.is_some() || self.verifier == Verifier::Regex {
                    completion.to_owned()
                } else {
                    let line_end = if completion.ends_with('\n') { "" } else { "\n" };
                    format!("{completion}{line_end}#### {reference}")
                }
            }
        }
    }
}

/// The reasoning of a completion that has some of the tags, or has them in disorder.
fn without_tags(completion: &str) -> String {
    let answered = tags::answer(completion).and_then(|_| completion.rsplit_once(tags::TAGS[2]));
    let reasoning = answered.map_or(completion, |(before, _)| before);
    tags::TAGS
        .iter()
        .fold(reasoning.to_owned(), |text, tag| text.replace(tag, ""))
}

/// Prompt and completion of a row, in whichever shape it has.
fn prompt_and_completion(row: &Object) -> Result<(String, String), BadRow> {
    if row.contains_key("messages") && !row.contains_key("prompt") {
        return split_conversation(list(row, "messages")?);
    }
    let prompt = match value(row, "prompt")? {
        Value::List(messages) => flatten(&conversation(messages, "prompt")?),
        prompt => as_text(prompt, "prompt")?.to_owned(),
    };
    let completion = match value(row, "completion")? {
        Value::List(messages) => {
            let messages = conversation(messages, "completion")?;
            messages
                .into_iter()
                .map(|message| message.content)
                .collect::<Vec<_>>()
                .join("\n\n")
        }
        completion => as_text(completion, "completion")?.to_owned(),
    };
    Ok((prompt, completion))
}

struct Message {
    role: String,
    content: String,
}

fn conversation(messages: &[Value], key: &str) -> Result<Vec<Message>, BadRow> {
    messages
        .iter()
        .enumerate()
        .map(|(index, item)| message(item, &format!("{key}[{index}]")))
        .collect()
}

fn message(item: &Value, key: &str) -> Result<Message, BadRow> {
    let Value::Object(object) = item else {
        return Err(wrong_type(key, item, "a message {role, content}"));
    };
    let role = text(object, "role")?.to_owned();
    let key = format!("{key}.content");
    let content = match value(object, "content")? {
        // Contents in parts, each `{"type": "text", "text": …}`.
        Value::List(parts) => {
            let texts: Result<Vec<_>, _> = parts
                .iter()
                .map(|part| match part {
                    Value::Object(part) => text(part, "text"),
                    other => Err(wrong_type(&key, other, "a part {type, text}")),
                })
                .collect();
            texts?.concat()
        }
        content => as_text(content, &key)?.to_owned(),
    };
    Ok(Message { role, content })
}

fn split_conversation(messages: &[Value]) -> Result<(String, String), BadRow> {
    let mut messages = conversation(messages, "messages")?;
    let last = messages
        .iter()
        .rposition(|message| message.role == "assistant");
    let Some(last) = last else {
        let roles: Vec<_> = messages
            .iter()
            .map(|message| message.role.as_str())
            .collect();
        let reason = "there is no message with the role `assistant`";
        return Err(BadRow::invalid("messages", &roles.join(", "), reason));
    };
    let completion = messages.remove(last).content;
    messages.truncate(last);
    Ok((flatten(&messages), completion))
}

/// Messages as one text.
fn flatten(messages: &[Message]) -> String {
    if let [Message { role, content }] = messages
        && role == "user"
    {
        return content.clone();
    }
    let turns: Vec<_> = messages
        .iter()
        .map(|Message { role, content }| {
            let (first, rest) = role.split_at(role.chars().next().map_or(0, char::len_utf8));
            format!("{}{rest}: {content}", first.to_uppercase())
        })
        .collect();
    turns.join("\n\n")
}

impl Format for Jsonl {
    fn name(&self) -> &'static str {
        "jsonl"
    }

    fn read(&self, row: &Object) -> Result<Record, BadRow> {
        let (prompt, completion) = prompt_and_completion(row)?;
        if prompt.trim().is_empty() {
            return Err(BadRow::invalid("prompt", &prompt, "there is no prompt"));
        }
        if completion.trim().is_empty() {
            let reason = "there is no completion";
            return Err(BadRow::invalid("completion", &completion, reason));
        }
        let answer = self.reference(row, &completion)?;
        let demonstration = self.lay_out(&completion, &answer);
        Ok(Record {
            id: content_id(&prompt),
            level: self.level(row)?,
            prompt,
            answer,
            solutions: vec![demonstration],
            payload: serde_json::Value::Null,
        })
    }

    fn demonstration(&self, _problem: &Problem, solution: &str, _order: u64) -> String {
        solution.to_owned()
    }

    fn reward_parts(&self) -> &'static [&'static str] {
        verify::reward_parts(self.layout)
    }

    fn score(&self, problem: &Problem, completion: &str, finished: bool) -> Reward {
        let readable = verify::whole_lines(completion, finished);
        let correct = self
            .read_answer(readable)
            .is_some_and(|answer| verify::agrees(self.verifier, &problem.answer, &answer));
        verify::reward(self.layout, completion, correct)
    }

    /// The reasoning in front of the marked answer (all of it where none is marked), in lower case
    /// with white space collapsed: the format is unknown, so different words are different.
    fn likeness(&self, _problem: &Problem, completion: &str) -> Option<String> {
        let reasoning = tags::thought(completion)
            .or_else(|| verify::before_hashes(completion))
            .unwrap_or(completion);
        let likeness = verify::collapse_white_space(reasoning).to_lowercase();
        (!likeness.is_empty()).then_some(likeness)
    }

    fn answer(&self, _problem: &Problem, completion: &str) -> Option<String> {
        self.read_answer(completion)
    }

    fn perturbations(&self) -> &'static [Perturbation] {
        &[perturb::REWORDED]
    }

    fn perturb(&self, problem: &Problem, perturbation: &str, variant: u64) -> Option<Problem> {
        (perturbation == perturb::REWORDED.name).then(|| perturb::reworded(problem, variant))
    }

    fn perturbation_vocabulary(&self) -> Vec<String> {
        vec![perturb::wrapper_vocabulary()]
    }
}

#[cfg(test)]
mod tests;
