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
//! The reference answer stands under `task.files.answer_key`, or is the one the completion marks
//! ([`verify::marked_answer`]). Answers are compared by `task.files.verifier`.

use serde_json::{Value, json};

use super::error::BadRow;
use super::file_task::Format;
use super::library::{Record, content_id};
use super::reading::{Object, as_text, list, text, value, wrong_type};
use super::{Perturbation, Problem, Reward, perturb, tags, verify};
use crate::config::{FilesConfig, Layout, Verifier};

/// The highest level a file may name; a larger number is more likely a mistaken key.
const HIGHEST_LEVEL: u64 = 1000;

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
            let marked = verify::marked_answer(completion).ok_or_else(|| BadRow::NoReference {
                reason: "the completion has no `#### …`, `\\boxed{…}` or `<answer>…</answer>`; \
                         name the key that holds the answer in task.files.answer_key (it may be \
                         `completion`)"
                    .to_owned(),
            })?;
            ("completion", marked.to_owned())
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
        verify::normal_form(self.verifier, &answer).ok_or_else(|| {
            let reason = match self.verifier {
                Verifier::Number => "there is no number in it",
                _ => "it is empty",
            };
            BadRow::invalid(key, &answer, reason)
        })
    }

    fn keyed_answer(&self, row: &Object, completion: &str) -> Result<String, BadRow> {
        if self.answer_key == "completion" {
            return Ok(verify::marked_answer(completion)
                .unwrap_or(completion)
                .to_owned());
        }
        match value(row, &self.answer_key)? {
            Value::String(answer) => Ok(answer.clone()),
            Value::Number(answer) => Ok(answer.to_string()),
            other => Err(wrong_type(&self.answer_key, other, "a text or a number")),
        }
    }

    fn level(&self, row: &Object) -> Result<u32, BadRow> {
        if self.level_key.is_empty() {
            return Ok(1);
        }
        let level = value(row, &self.level_key)?;
        let number = match level {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            other => return Err(wrong_type(&self.level_key, other, "a whole number")),
        };
        match number {
            Some(number) if number <= HIGHEST_LEVEL => Ok(number as u32),
            _ => {
                let reason = format!("expected a whole number from 0 to {HIGHEST_LEVEL}");
                Err(BadRow::invalid(&self.level_key, &level.to_string(), reason))
            }
        }
    }

    /// The completion in the configured layout. One that states no answer of its own gets the
    /// reference at its end; one that has the tags already stays as it is.
    fn lay_out(&self, completion: &str, reference: &str) -> String {
        let marked = verify::marked_answer(completion);
        match self.layout {
            Layout::Tags if tags::well_formed(completion) => completion.to_owned(),
            Layout::Tags => {
                // A pattern is no answer: what it is to match stands in the completion.
                let unmarked = match self.verifier {
                    Verifier::Regex => completion,
                    _ => reference,
                };
                tags::wrap(&without_tags(completion), marked.unwrap_or(unmarked))
            }
            Layout::Compact => {
                let agrees = verify::read(self.verifier, completion)
                    .is_some_and(|answer| verify::agrees(self.verifier, reference, &answer));
                if agrees || marked.is_some() || self.verifier == Verifier::Regex {
                    completion.to_owned()
                } else {
                    format!("{completion}\n#### {reference}")
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
        .trim()
        .to_owned()
}

/// Prompt and completion of a row, in whichever shape it has.
fn prompt_and_completion(row: &Object) -> Result<(String, String), BadRow> {
    if row.contains_key("messages") && !row.contains_key("prompt") {
        return split_conversation(list(row, "messages")?);
    }
    let prompt = match value(row, "prompt")? {
        Value::Array(messages) => flatten(&conversation(messages, "prompt")?),
        prompt => as_text(prompt, "prompt")?.to_owned(),
    };
    let completion = match value(row, "completion")? {
        Value::Array(messages) => {
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
    let object = item
        .as_object()
        .ok_or_else(|| wrong_type(key, item, "a message {role, content}"))?;
    let role = text(object, "role")?.to_owned();
    let key = format!("{key}.content");
    let content = match value(object, "content")? {
        // Contents in parts, each `{"type": "text", "text": …}`.
        Value::Array(parts) => {
            let texts: Result<Vec<_>, _> = parts
                .iter()
                .map(|part| match part.as_object() {
                    Some(part) => text(part, "text"),
                    None => Err(wrong_type(&key, part, "a part {type, text}")),
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
        let (prompt, completion) = (prompt.trim(), completion.trim());
        if prompt.is_empty() {
            return Err(BadRow::invalid("prompt", prompt, "there is no prompt"));
        }
        if completion.is_empty() {
            return Err(BadRow::invalid(
                "completion",
                completion,
                "there is no completion",
            ));
        }
        let answer = self.reference(row, completion)?;
        let demonstration = self.lay_out(completion, &answer);
        Ok(Record {
            id: content_id(prompt),
            level: self.level(row)?,
            prompt: prompt.to_owned(),
            answer,
            payload: json!({ "demonstration": demonstration }),
        })
    }

    fn demonstration(&self, problem: &Problem, _variant: u64) -> String {
        problem.payload["demonstration"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    fn score(&self, problem: &Problem, completion: &str, finished: bool) -> Reward {
        let readable = verify::whole_lines(completion, finished);
        let correct = self
            .read_answer(readable)
            .is_some_and(|answer| verify::agrees(self.verifier, &problem.answer, &answer));
        verify::reward(self.layout, completion, correct)
    }

    /// The reasoning in front of the marked answer (all of it where none is marked), in lower case
    /// with white space collapsed: the format is unknown, so different words are different paths.
    fn path(&self, _problem: &Problem, completion: &str) -> Option<String> {
        let reasoning = tags::thought(completion)
            .or_else(|| {
                completion
                    .rsplit_once("####")
                    .map(|(reasoning, _)| reasoning)
            })
            .unwrap_or(completion);
        let path = verify::collapse_white_space(reasoning).to_lowercase();
        (!path.is_empty()).then_some(path)
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
