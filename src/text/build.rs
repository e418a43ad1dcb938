//! Vocabularies made from a task: characters, words, or a byte-level BPE.
//!
//! Each is written as a `tokenizer.json` and then read like any other, so what is trained with is
//! what a checkpoint folder holds. All three lose nothing: decoding gives the encoded text back.
//!
//! Ids begin with `<pad>` and `<eos>`, then the format tags where the task's texts have them, each
//! one token. The tags are not "special": special tokens vanish when a completion is shown, and
//! the tags are part of the answer (the tokenizer of Qwen3 treats `<think>` alike).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{
    AddedToken, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
    PreTokenizerWrapper, Tokenizer, Trainer,
};

use super::TextError;
use super::tokenizer::TokenizerFiles;
use crate::config::{TokenizerConfig, TokenizerKind};
use crate::tasks::tags::TAGS;
use crate::tasks::{Split, Task};

/// Fills up shorter sequences of a batch; id 0.
const PAD: &str = "<pad>";

/// Ends a sequence; id 1.
const EOS: &str = "<eos>";

/// Pieces of a character vocabulary: every character (white space included).
const CHARACTERS: &str = r"[\s\S]";

/// Pieces of a word vocabulary: runs of letters; digits, signs and white space one by one.
const WORDS: &str = r"\p{L}+|\P{L}";

/// Pieces that BPE merges do not cross: the pattern of the Qwen2 and Qwen3 tokenizers, in which
/// digits stand alone.
const BPE_PIECES: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

/// Merges must have been seen this often: a piece seen once teaches nothing about others.
const MIN_FREQUENCY: u64 = 2;

/// Training problems of each level whose texts a BPE is trained on, besides the task's sample.
const PROBLEMS_PER_LEVEL: u64 = 200;

/// A chat template that adds nothing: programs that only speak in messages then prompt the model
/// as it was trained.
const PLAIN_TEMPLATE: &str = "{% for message in messages %}{{ message.content }}{% endfor %}";

/// The files of the tokenizer that `config` asks for.
pub fn from_task(config: &TokenizerConfig, task: &dyn Task) -> Result<TokenizerFiles, TextError> {
    let sample = task.vocabulary_sample();
    if sample.iter().all(String::is_empty) {
        return Err(TextError::NoTexts { task: task.name() });
    }
    let build = |reason: tokenizers::Error| TextError::Build {
        task: task.name(),
        reason: reason.to_string(),
    };
    let tokenizer_json = match config.kind {
        TokenizerKind::Char => closed_vocabulary(CHARACTERS, &sample).map_err(build)?,
        TokenizerKind::Word => closed_vocabulary(WORDS, &sample).map_err(build)?,
        TokenizerKind::Bpe => {
            let texts = corpus(task, sample);
            let needed = first_tokens(&texts).len() + ByteLevel::alphabet().len();
            if config.vocab_size < needed {
                return Err(TextError::VocabularyTooSmall {
                    vocab_size: config.vocab_size,
                    needed,
                });
            }
            byte_level_bpe(config.vocab_size, &texts).map_err(build)?
        }
        TokenizerKind::File => return Err(TextError::FileNeeded),
    };
    let tokenizer_config = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": PAD,
        "eos_token": EOS,
        "clean_up_tokenization_spaces": false,
        "chat_template": PLAIN_TEMPLATE,
    });
    Ok(TokenizerFiles {
        tokenizer_json,
        tokenizer_config_json: Some(format!("{tokenizer_config:#}").into_bytes()),
        ..TokenizerFiles::default()
    })
}

/// A vocabulary of the pieces that `pattern` finds in `texts`, and no others.
fn closed_vocabulary(pattern: &str, texts: &[String]) -> tokenizers::Result<Vec<u8>> {
    let split = isolate(pattern);
    let pre_tokenizer: PreTokenizerWrapper = serde_json::from_value(split.clone())?;
    let mut pieces = BTreeSet::new();
    for text in texts {
        for part in between_tags(text) {
            pieces.extend(pieces_of(&pre_tokenizer, part)?);
        }
    }
    let first = first_tokens(texts);
    let vocabulary: serde_json::Map<String, Value> = (first.iter().map(|token| token.to_string()))
        .chain(pieces)
        .zip(0..)
        .map(|(token, id)| (token, Value::from(id)))
        .collect();
    let added: Vec<Value> = (first.iter().zip(0..))
        .map(|(token, id)| {
            json!({
                "id": id, "content": token, "special": is_special(token), "normalized": false,
                "single_word": false, "lstrip": false, "rstrip": false,
            })
        })
        .collect();
    let tokenizer = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": null,
        "pre_tokenizer": split,
        "post_processor": null,
        "decoder": { "type": "Fuse" },
        // The format wants a name here; no such token exists, so unknown pieces are errors.
        "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>" },
    });
    Ok(format!("{tokenizer:#}").into_bytes())
}

/// A byte-level BPE of at most `vocab_size` tokens.
///
/// The trainer breaks ties between pairs of equal count by their ids, so equal texts give equal
/// files.
fn byte_level_bpe(vocab_size: usize, texts: &[String]) -> tokenizers::Result<Vec<u8>> {
    let byte_level = ByteLevel::new(false, false, false);
    let pre_tokenizer: PreTokenizerWrapper = serde_json::from_value(json!({
        "type": "Sequence",
        "pretokenizers": [isolate(BPE_PIECES), byte_level],
    }))?;
    let added: Vec<AddedToken> = first_tokens(texts)
        .into_iter()
        .map(|token| AddedToken::from(token, is_special(token)).normalized(false))
        .collect();
    let mut trainer = BpeTrainer::builder()
        .vocab_size(vocab_size)
        .min_frequency(MIN_FREQUENCY)
        .special_tokens(added.clone())
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .show_progress(false)
        .build();
    let parts: Vec<&str> = texts.iter().flat_map(|text| between_tags(text)).collect();
    // A browser has no further threads, and a task's texts need none.
    tokenizers::parallelism::set_parallelism(false);
    trainer.feed(parts.iter(), |part| pieces_of(&pre_tokenizer, part))?;
    let mut model = BPE::default();
    trainer.train(&mut model)?;

    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_pre_tokenizer(Some(pre_tokenizer));
    tokenizer.with_decoder(Some(byte_level));
    tokenizer.add_tokens(added)?;
    Ok(tokenizer.to_string(true)?.into_bytes())
}

/// What a BPE is trained on: the sample, and prompts and demonstrations of training problems.
/// Sorted, each text once.
fn corpus(task: &dyn Task, sample: Vec<String>) -> Vec<String> {
    let mut texts: BTreeSet<String> = sample.into_iter().collect();
    for level in task.levels() {
        let problems = task.len(Split::Train, level).unwrap_or(u64::MAX);
        for index in 0..problems.min(PROBLEMS_PER_LEVEL) {
            let problem = task.problem(Split::Train, level, index);
            texts.insert(task.demonstration(&problem, index));
            texts.insert(problem.prompt);
        }
    }
    texts.into_iter().collect()
}

/// `<pad>`, `<eos>` and the tags that stand in `texts`, in the order of their ids.
fn first_tokens(texts: &[String]) -> Vec<&'static str> {
    let used = |tag: &&str| texts.iter().any(|text| text.contains(*tag));
    [PAD, EOS]
        .into_iter()
        .chain(TAGS.into_iter().filter(used))
        .collect()
}

fn is_special(token: &str) -> bool {
    [PAD, EOS].contains(&token)
}

/// The pre-tokenizer that makes each match of `pattern` a piece. The pattern must mean the same to
/// Oniguruma, which transformers uses, as it does to fancy-regex.
fn isolate(pattern: &str) -> Value {
    json!({
        "type": "Split",
        "pattern": { "Regex": pattern },
        "behavior": "Isolated",
        "invert": false,
    })
}

/// The parts of `text` that are not tags.
fn between_tags(text: &str) -> Vec<&str> {
    TAGS.into_iter().fold(vec![text], |parts, tag| {
        parts.into_iter().flat_map(|part| part.split(tag)).collect()
    })
}

/// The pieces of a text, in order.
fn pieces_of(pre_tokenizer: &PreTokenizerWrapper, text: &str) -> tokenizers::Result<Vec<String>> {
    let mut pieces = PreTokenizedString::from(text);
    pre_tokenizer.pre_tokenize(&mut pieces)?;
    Ok(pieces
        .get_splits(OffsetReferential::Original, OffsetType::None)
        .into_iter()
        .map(|(piece, _, _)| piece.to_owned())
        .collect())
}
