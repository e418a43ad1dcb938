//! The real tokenizer of Qwen3 against what transformers makes of the same texts.

use std::sync::LazyLock;

use serde_json::Value;

use super::*;
use crate::text::{ChatTemplate, Message};

const FOLDER: &str = "fixtures/tokenizer/qwen3";

static FILES: LazyLock<Option<(TokenizerFiles, Value)>> = LazyLock::new(|| {
    let files = TokenizerFiles {
        tokenizer_json: shared(&format!("{FOLDER}/tokenizer.json"))?,
        tokenizer_config_json: Some(shared(&format!("{FOLDER}/tokenizer_config.json"))?),
        ..TokenizerFiles::default()
    };
    let expected = shared(&format!("{FOLDER}/expected.json"))?;
    Some((
        files,
        serde_json::from_slice(&expected).expect("expected.json"),
    ))
});

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().expect("a text")
}

#[test]
fn encodings_and_decodings_are_those_of_transformers() {
    let Some((files, expected)) = FILES.as_ref() else {
        return;
    };
    let tokenizer = Text::from_files(&kind(TokenizerKind::File), files).unwrap();
    let encodings = expected["encodings"].as_array().expect("a list");
    assert!(!encodings.is_empty());
    for encoding in encodings {
        let ids: Vec<u32> = serde_json::from_value(encoding["ids"].clone()).expect("ids");
        assert_eq!(tokenizer.encode(text(encoding, "text")).unwrap(), ids);
        assert_eq!(tokenizer.prompt(text(encoding, "text")).unwrap(), ids);
        assert_eq!(tokenizer.decode(&ids), text(encoding, "decoded"));
    }
    assert_eq!(tokenizer.token(tokenizer.eos()), "<|im_end|>");
    assert_eq!(tokenizer.token(tokenizer.pad()), "<|endoftext|>");
    assert_eq!(tokenizer.vocabulary(), 151_669);
    assert_eq!(&reread(&tokenizer), files);
}

#[test]
fn conversations_are_rendered_as_transformers_renders_them() {
    let Some((files, expected)) = FILES.as_ref() else {
        return;
    };
    let config: Value =
        serde_json::from_slice(files.tokenizer_config_json.as_ref().expect("a file")).unwrap();
    let template = ChatTemplate::new(text(&config, "chat_template"), Default::default()).unwrap();
    let conversations = expected["chat"].as_array().expect("a list");
    assert!(!conversations.is_empty());
    for conversation in conversations {
        let messages: Vec<Message> =
            serde_json::from_value(conversation["messages"].clone()).expect("messages");
        let generation = conversation["add_generation_prompt"]
            .as_bool()
            .expect("a flag");
        let rendered = template.render(&messages, generation).unwrap();
        assert_eq!(rendered, text(conversation, "text"));
    }
}

#[test]
fn prompts_are_wrapped_and_examples_end_the_turn() {
    let Some((files, expected)) = FILES.as_ref() else {
        return;
    };
    let chat = TokenizerConfig {
        chat_template: true,
        system_prompt: "Answer briefly.".into(),
        ..kind(TokenizerKind::File)
    };
    let tokenizer = Text::from_files(&chat, files).unwrap();
    let conversations = expected["chat"].as_array().expect("a list");
    let wrapped = (conversations.iter())
        .find(|chat| {
            let messages = chat["messages"].as_array().expect("messages");
            messages.len() == 2
                && messages[0]["role"] == "system"
                && chat["add_generation_prompt"] == true
        })
        .expect("a conversation with a system message");
    let question = text(&wrapped["messages"][1], "content");
    let example = tokenizer.example(question, "<think>\n</think>7").unwrap();
    let (prompt, completion) = example.ids.split_at(example.prompt);
    assert_eq!(prompt, tokenizer.encode(text(wrapped, "text")).unwrap());
    assert_eq!(prompt, tokenizer.prompt(question).unwrap());
    assert_eq!(completion.last(), Some(&tokenizer.eos()));
    assert_eq!(tokenizer.decode(completion), "<think>\n</think>7");
    assert_eq!(tokenizer.token(tokenizer.eos()), "<|im_end|>");
}
