//! A tokenizer's files: what transformers writes beside a model, and which tokens have a role.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use tokenizers::{ModelWrapper, Tokenizer};

use super::TextError;
use super::template::ChatTemplate;
use crate::tasks::tags::TAGS;

pub const TOKENIZER: &str = "tokenizer.json";
pub const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
pub const GENERATION_CONFIG: &str = "generation_config.json";
pub const CONFIG: &str = "config.json";
pub const CHAT_TEMPLATE: &str = "chat_template.jinja";

/// Ends of a sequence to look for where only a tokenizer.json is given, which does not name one.
const USUAL_ENDS: [&str; 4] = ["<eos>", "</s>", "<|endoftext|>", "<|end_of_text|>"];

/// The contents of a Hugging Face folder's files that concern its tokenizer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenizerFiles {
    /// `tokenizer.json`: the vocabulary and how text is cut.
    pub tokenizer_json: Vec<u8>,
    /// `tokenizer_config.json`: names the special tokens, and may hold the chat template.
    pub tokenizer_config_json: Option<Vec<u8>>,
    /// `generation_config.json`: ids that end a completion.
    pub generation_config_json: Option<Vec<u8>>,
    /// The model's `config.json`: the same, in older folders.
    pub config_json: Option<Vec<u8>>,
    /// `chat_template.jinja`; goes before the template in `tokenizer_config.json`.
    pub chat_template: Option<String>,
}

/// The side files, parsed; empty objects where they are missing.
pub struct Documents {
    pub tokenizer_config: Map<String, Value>,
    generation_config: Map<String, Value>,
    config: Map<String, Value>,
}

impl Documents {
    pub fn parse(files: &TokenizerFiles) -> Result<Self, TextError> {
        Ok(Self {
            tokenizer_config: object(TOKENIZER_CONFIG, files.tokenizer_config_json.as_deref())?,
            generation_config: object(GENERATION_CONFIG, files.generation_config_json.as_deref())?,
            config: object(CONFIG, files.config_json.as_deref())?,
        })
    }

    /// The special tokens by name (`eos_token`, …), as a chat template sees them.
    pub fn special_tokens(&self) -> BTreeMap<String, String> {
        (self.tokenizer_config.iter())
            .filter(|(name, _)| name.ends_with("_token"))
            .filter_map(|(name, token)| Some((name.clone(), content(token)?.to_owned())))
            .collect()
    }

    /// The chat template of `tokenizer_config.json`: a text, or the one named `default` in a list.
    pub fn chat_template(&self) -> Option<&str> {
        match self.tokenizer_config.get("chat_template")? {
            Value::String(template) => Some(template),
            Value::Array(templates) => (templates.iter())
                .find(|entry| entry["name"] == "default")
                .and_then(|entry| entry["template"].as_str()),
            _ => None,
        }
    }

    /// The token that `tokenizer_config.json` names in `field`.
    fn named(&self, tokenizer: &Tokenizer, field: &'static str) -> Result<Option<u32>, TextError> {
        let Some(token) = self.tokenizer_config.get(field).and_then(content) else {
            return Ok(None);
        };
        let id = tokenizer.token_to_id(token);
        id.map(Some).ok_or_else(|| TextError::NotInVocabulary {
            file: TOKENIZER_CONFIG,
            field,
            token: token.to_owned(),
        })
    }

    /// The ids that the model's files give in `field`, a number or a list of them.
    fn ids(&self, tokenizer: &Tokenizer, field: &'static str) -> Result<Vec<u32>, TextError> {
        let mut ids = Vec::new();
        for (file, document) in [
            (GENERATION_CONFIG, &self.generation_config),
            (CONFIG, &self.config),
        ] {
            let listed: &[Value] = match document.get(field) {
                None | Some(Value::Null) => &[],
                Some(Value::Array(list)) => list,
                Some(one) => std::slice::from_ref(one),
            };
            for value in listed {
                let id = value.as_u64().and_then(|id| u32::try_from(id).ok());
                let known = id.filter(|id| tokenizer.id_to_token(*id).is_some());
                ids.push(known.ok_or_else(|| TextError::NotInVocabulary {
                    file,
                    field,
                    token: value.to_string(),
                })?);
            }
        }
        Ok(ids)
    }
}

/// The tokens that have a role.
#[derive(Debug)]
pub struct Roles {
    /// What an example ends with.
    pub eos: u32,
    /// What fills up shorter sequences.
    pub pad: u32,
    /// What ends a completion, `eos` first.
    pub stops: Vec<u32>,
    /// What stands before a plain prompt, e.g. the beginning of the sequence.
    pub prefix: Vec<u32>,
    /// What is not shown: the above and other special tokens, except the format tags.
    pub hidden: BTreeSet<u32>,
    /// What stands for unknown pieces, where the vocabulary has such a token.
    pub unknown: Option<u32>,
}

impl Roles {
    /// Reads the roles. In a conversation (`chat`) an example ends as the template ends a turn.
    pub fn read(
        tokenizer: &Tokenizer,
        documents: &Documents,
        template: Option<&ChatTemplate>,
        chat: bool,
    ) -> Result<Self, TextError> {
        let turn_end = template.and_then(|template| turn_end(tokenizer, template));
        let listed = documents.ids(tokenizer, "eos_token_id")?;
        let named = documents.named(tokenizer, "eos_token")?;
        let usual = || {
            let id = |end: &&str| tokenizer.token_to_id(end);
            USUAL_ENDS.iter().find_map(id)
        };
        let eos = turn_end
            .filter(|_| chat)
            .or(named)
            .or(listed.first().copied())
            .or_else(usual)
            .ok_or_else(|| TextError::NoEndOfSequence {
                special: special_names(tokenizer),
            })?;
        let mut stops = vec![eos];
        for id in named.into_iter().chain(listed).chain(turn_end) {
            if !stops.contains(&id) {
                stops.push(id);
            }
        }
        let listed_pad = documents.ids(tokenizer, "pad_token_id")?;
        let named_pad = documents.named(tokenizer, "pad_token")?;
        let pad = named_pad.or(listed_pad.first().copied()).unwrap_or(eos);

        let prefix = prefix(tokenizer);
        let shown = |content: &str| TAGS.contains(&content);
        let hidden = (tokenizer.get_added_tokens_decoder().into_iter())
            .filter(|(_, token)| token.special && !shown(&token.content))
            .map(|(id, _)| id)
            .chain(stops.iter().copied())
            .chain(prefix.iter().copied())
            .chain([pad])
            .collect();
        Ok(Self {
            eos,
            pad,
            stops,
            prefix,
            hidden,
            unknown: unknown(tokenizer),
        })
    }
}

/// The files a checkpoint folder needs to be opened with the same tokenizer and roles.
pub fn written(
    files: &TokenizerFiles,
    documents: &Documents,
    tokenizer: &Tokenizer,
    roles: &Roles,
) -> Vec<(String, Vec<u8>)> {
    let mut config = documents.tokenizer_config.clone();
    let class = Value::from("PreTrainedTokenizerFast");
    config.entry("tokenizer_class").or_insert(class);
    for (field, id) in [("eos_token", roles.eos), ("pad_token", roles.pad)] {
        let token = tokenizer.id_to_token(id).unwrap_or_default();
        if config.get(field).and_then(content) != Some(&token) {
            config.insert(field.into(), token.into());
        }
    }
    let config_bytes = match &files.tokenizer_config_json {
        Some(bytes) if config == documents.tokenizer_config => bytes.clone(),
        _ => format!("{:#}", Value::from(config)).into_bytes(),
    };
    let mut written = vec![
        (TOKENIZER.to_owned(), files.tokenizer_json.clone()),
        (TOKENIZER_CONFIG.to_owned(), config_bytes),
    ];
    if let Some(template) = &files.chat_template {
        written.push((CHAT_TEMPLATE.to_owned(), template.clone().into_bytes()));
    }
    written
}

/// A JSON object; empty where the file is missing.
fn object(file: &'static str, bytes: Option<&[u8]>) -> Result<Map<String, Value>, TextError> {
    let Some(bytes) = bytes else {
        return Ok(Map::new());
    };
    serde_json::from_slice(bytes).map_err(|error| TextError::File {
        file,
        reason: error.to_string(),
    })
}

/// A special token's text: a string, or an object with `content`.
fn content(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token.get("content")?.as_str())
}

/// The special token that the chat template writes after an assistant's turn.
fn turn_end(tokenizer: &Tokenizer, template: &ChatTemplate) -> Option<u32> {
    let end = tokenizer.encode_fast(template.turn_end()?, false).ok()?;
    let first = *end.get_ids().first()?;
    let added = tokenizer.get_added_tokens_decoder();
    added.get(&first)?.special.then_some(first)
}

/// What the post-processor puts before a text.
fn prefix(tokenizer: &Tokenizer) -> Vec<u32> {
    let encode = |special| tokenizer.encode_fast("0", special);
    let (Ok(plain), Ok(wrapped)) = (encode(false), encode(true)) else {
        return Vec::new();
    };
    let (plain, wrapped) = (plain.get_ids(), wrapped.get_ids());
    let place = (wrapped.windows(plain.len().max(1))).position(|part| part == plain);
    wrapped[..place.unwrap_or(0)].to_vec()
}

/// The id that stands for unknown pieces.
fn unknown(tokenizer: &Tokenizer) -> Option<u32> {
    let token = match tokenizer.get_model() {
        ModelWrapper::BPE(model) => model.unk_token.as_deref()?,
        ModelWrapper::WordPiece(model) => &model.unk_token,
        ModelWrapper::WordLevel(model) => &model.unk_token,
        // Its field is private; SentencePiece calls the token so.
        ModelWrapper::Unigram(_) => "<unk>",
    };
    tokenizer.token_to_id(token)
}

/// The special tokens' texts, sorted, for a message.
fn special_names(tokenizer: &Tokenizer) -> String {
    let names: BTreeSet<String> = (tokenizer.get_added_tokens_decoder().into_values())
        .filter(|token| token.special)
        .map(|token| token.content)
        .collect();
    Vec::from_iter(names).join(", ")
}
