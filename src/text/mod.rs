//! Text and tokens: the tokenizer, the chat template, and examples to learn from.
//!
//! A [`Text`] is made from a task (characters, words or a trained byte-level BPE) or from a Hugging
//! Face folder's files. Both are the same thing underneath, a `tokenizer.json`, so a checkpoint
//! folder opens in transformers whichever it was. A piece that the vocabulary does not know is an
//! error that names it, never a silent `<unk>`.
//!
//! Prompt and completion are put into tokens apart and then joined, as they are when a policy
//! continues a prompt: what is learnt from and what is sampled look alike at the seam.

mod batch;
mod build;
mod error;
mod template;
#[cfg(test)]
mod tests;
mod tokenizer;

use std::sync::Arc;

use tokenizers::{ModelWrapper, OffsetReferential, OffsetType, PreTokenizer, Tokenizer};

pub use batch::{Batch, deal};
pub use error::TextError;
pub use template::{ChatTemplate, Message};
pub use tokenizer::TokenizerFiles;

use crate::config::TokenizerConfig;
use crate::tasks::Task;
use tokenizer::{Documents, Roles};

/// Characters of a text shown on each side of the piece that an error is about.
const CONTEXT: usize = 30;

/// A tokenizer with its special tokens and, if configured, its chat template. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Text(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tokenizer: Tokenizer,
    roles: Roles,
    vocabulary: usize,
    /// How prompts are wrapped; `None`: not at all.
    chat: Option<Chat>,
    files: Vec<(String, Vec<u8>)>,
}

#[derive(Debug)]
struct Chat {
    template: ChatTemplate,
    system_prompt: String,
}

/// A prompt and its completion as one sequence of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Prompt, completion, end of sequence.
    pub ids: Vec<u32>,
    /// How many of them are the prompt's.
    pub prompt: usize,
}

impl Text {
    /// A tokenizer made from the task's texts: `tokenizer.kind` = `char`, `word` or `bpe`. Equal
    /// tasks give equal tokenizers.
    pub fn from_task(config: &TokenizerConfig, task: &dyn Task) -> Result<Self, TextError> {
        Self::from_files(config, &build::from_task(config, task)?)
    }

    /// The tokenizer of a Hugging Face folder (or of a checkpoint).
    pub fn from_files(config: &TokenizerConfig, files: &TokenizerFiles) -> Result<Self, TextError> {
        let unreadable = |error: tokenizers::Error| TextError::File {
            file: tokenizer::TOKENIZER,
            reason: error.to_string(),
        };
        let mut tokenizer = Tokenizer::from_bytes(&files.tokenizer_json).map_err(unreadable)?;
        // Lengths are the caller's business: nothing is cut or filled up behind its back.
        tokenizer.with_truncation(None).map_err(unreadable)?;
        tokenizer.with_padding(None);

        let documents = Documents::parse(files)?;
        let source = files
            .chat_template
            .as_deref()
            .or_else(|| documents.chat_template());
        let template = source.map(|source| ChatTemplate::new(source, documents.special_tokens()));
        let template = match template.transpose() {
            Ok(None) if config.chat_template => return Err(TextError::NoChatTemplate),
            Err(error) if config.chat_template => return Err(error),
            // A template that is not asked for need not work.
            template => template.ok().flatten(),
        };
        let roles = Roles::read(
            &tokenizer,
            &documents,
            template.as_ref(),
            config.chat_template,
        )?;
        let files = tokenizer::written(files, &documents, &tokenizer, &roles);
        let last = tokenizer.get_vocab(true).into_values().max();
        let chat = template
            .filter(|_| config.chat_template)
            .map(|template| Chat {
                template,
                system_prompt: config.system_prompt.clone(),
            });
        Ok(Self(Arc::new(Inner {
            vocabulary: last.map_or(0, |last| last as usize + 1),
            tokenizer,
            roles,
            chat,
            files,
        })))
    }

    /// The number of ids: the largest id and one. A model's embedding has at least as many rows.
    pub fn vocabulary(&self) -> usize {
        self.0.vocabulary
    }

    /// The tokens of a text, without special tokens around it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TextError> {
        let encoded = self.0.tokenizer.encode_fast(text, false);
        let ids = encoded.map_err(|error| self.refusal(text, error))?;
        let ids = ids.get_ids();
        match self.0.roles.unknown {
            Some(unknown) if ids.contains(&unknown) => Err(self.unknown_piece(text, unknown)),
            _ => Ok(ids.to_vec()),
        }
    }

    /// The text of a completion: without special tokens such as `<eos>`, but with the format tags.
    pub fn decode(&self, ids: &[u32]) -> String {
        let hidden = &self.0.roles.hidden;
        let shown: Vec<u32> = ids
            .iter()
            .copied()
            .filter(|id| !hidden.contains(id))
            .collect();
        self.plain_decode(&shown)
    }

    /// One token in a form to show: white space other than the space as `\n`, `\t`, …, special
    /// tokens by name, and parts of a character as the vocabulary writes them.
    pub fn token(&self, id: u32) -> String {
        let Some(name) = self.0.tokenizer.id_to_token(id) else {
            return format!("[{id}]");
        };
        let text = self.plain_decode(&[id]);
        if text.is_empty() || text.contains(char::REPLACEMENT_CHARACTER) {
            return name;
        }
        let show = |character: char| match character {
            control if control.is_control() => control.escape_default().to_string(),
            other => other.to_string(),
        };
        text.chars().map(show).collect()
    }

    /// The tokens a completion of `prompt` begins after: the conversation up to the assistant's
    /// turn if the chat template is used, otherwise the prompt alone.
    pub fn prompt(&self, prompt: &str) -> Result<Vec<u32>, TextError> {
        let Some(chat) = &self.0.chat else {
            let mut ids = self.0.roles.prefix.clone();
            ids.extend(self.encode(prompt)?);
            return Ok(ids);
        };
        let mut messages = Vec::new();
        if !chat.system_prompt.is_empty() {
            messages.push(Message::new("system", &chat.system_prompt));
        }
        messages.push(Message::new("user", prompt));
        // The template itself writes the beginning of the sequence.
        self.encode(&chat.template.render(&messages, true)?)
    }

    /// What is learnt from a demonstration: prompt, completion, end of sequence.
    pub fn example(&self, prompt: &str, completion: &str) -> Result<Example, TextError> {
        let mut ids = self.prompt(prompt)?;
        let prompt = ids.len();
        ids.extend(self.encode(completion)?);
        ids.push(self.eos());
        Ok(Example { ids, prompt })
    }

    /// The end of the sequence (in a conversation: of the assistant's turn).
    pub fn eos(&self) -> u32 {
        self.0.roles.eos
    }

    /// Fills up shorter sequences of a batch; the same as [`Text::eos`] where none is named.
    pub fn pad(&self) -> u32 {
        self.0.roles.pad
    }

    /// The tokens that end a completion; [`Text::eos`] is the first.
    pub fn stops(&self) -> &[u32] {
        &self.0.roles.stops
    }

    /// The files, by name, that let transformers (and [`Text::from_files`]) open this tokenizer.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        self.0.files.clone()
    }

    fn plain_decode(&self, ids: &[u32]) -> String {
        // Ids outside the vocabulary are left out; the decoders at hand refuse nothing else.
        self.0.tokenizer.decode(ids, false).unwrap_or_default()
    }

    /// Why `text` was refused: the first piece that the vocabulary does not have, if that is why.
    fn refusal(&self, text: &str, error: tokenizers::Error) -> TextError {
        let tokenizer = &self.0.tokenizer;
        if let ModelWrapper::WordLevel(_) = tokenizer.get_model() {
            let added = tokenizer.get_added_vocabulary();
            let mut pieces = added.extract_and_normalize(tokenizer.get_normalizer(), text);
            if let Some(cut) = tokenizer.get_pre_tokenizer() {
                // Where this fails too, the pieces are the text's larger parts.
                let _ = cut.pre_tokenize(&mut pieces);
            }
            let splits = pieces.get_splits(OffsetReferential::Original, OffsetType::Char);
            let unknown = splits.into_iter().find(|(piece, _, tokens)| {
                tokens.is_none() && tokenizer.token_to_id(piece).is_none()
            });
            if let Some((_, place, _)) = unknown {
                return piece_error(text, place);
            }
        }
        TextError::Encode {
            text: excerpt(text, 0, 0),
            reason: error.to_string(),
        }
    }

    /// The first piece that was replaced by the token for unknown pieces.
    fn unknown_piece(&self, text: &str, unknown: u32) -> TextError {
        let place = self
            .0
            .tokenizer
            .encode_char_offsets(text, false)
            .ok()
            .and_then(|encoding| {
                let index = encoding.get_ids().iter().position(|id| *id == unknown)?;
                encoding.get_offsets().get(index).copied()
            });
        piece_error(text, place.unwrap_or((0, text.chars().count())))
    }
}

/// The error about the characters `start..end` of `text`.
fn piece_error(text: &str, (start, end): (usize, usize)) -> TextError {
    TextError::UnknownPiece {
        piece: text.chars().skip(start).take(end - start).collect(),
        position: start,
        text: excerpt(text, start, end),
    }
}

/// The text around the characters `start..end`, with `…` where it goes on.
fn excerpt(text: &str, start: usize, end: usize) -> String {
    let from = start.saturating_sub(CONTEXT);
    let to = end + CONTEXT;
    let mut part: String = text.chars().skip(from).take(to - from).collect();
    if from > 0 {
        part.insert(0, '…');
    }
    if to < text.chars().count() {
        part.push('…');
    }
    part
}
