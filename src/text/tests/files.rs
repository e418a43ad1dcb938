//! Tokenizers read from a folder's files: which token has which role.

use serde_json::{Value, json};

use super::*;

/// A tokenizer of a few words. Ids: a 0, b 1, <s> 2, </s> 3, <|end|> 4, <unk> 5, <think> 6.
fn tokenizer(post_processor: Value) -> Vec<u8> {
    let special = ["<s>", "</s>", "<|end|>", "<unk>", "<think>"];
    let vocabulary: serde_json::Map<String, Value> = (["a", "b"].iter().chain(&special).zip(0..))
        .map(|(token, id)| (token.to_string(), Value::from(id)))
        .collect();
    let added: Vec<Value> = (special.iter().zip(2..))
        .map(|(token, id)| {
            json!({
                "id": id, "content": token, "special": true, "normalized": false,
                "single_word": false, "lstrip": false, "rstrip": false,
            })
        })
        .collect();
    let tokenizer = json!({
        "version": "1.0",
        "truncation": {
            "direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0,
        },
        "padding": {
            "strategy": { "Fixed": 9 }, "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": 0, "pad_type_id": 0, "pad_token": "a",
        },
        "added_tokens": added,
        "normalizer": null,
        "pre_tokenizer": { "type": "Whitespace" },
        "post_processor": post_processor,
        "decoder": null,
        "model": { "type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>" },
    });
    tokenizer.to_string().into_bytes()
}

fn files(tokenizer_config: Value) -> TokenizerFiles {
    TokenizerFiles {
        tokenizer_json: tokenizer(Value::Null),
        tokenizer_config_json: Some(tokenizer_config.to_string().into_bytes()),
        ..TokenizerFiles::default()
    }
}

fn read(files: &TokenizerFiles) -> Result<Text, TextError> {
    Text::from_files(&kind(TokenizerKind::File), files)
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    Some(value.to_string().into_bytes())
}

#[test]
fn special_tokens_are_strings_or_objects_and_padding_falls_back_to_the_end() {
    let text = read(&files(json!({ "eos_token": "</s>", "pad_token": "<s>" }))).unwrap();
    assert_eq!((text.eos(), text.pad(), text.vocabulary()), (3, 2, 7));
    let object = json!({ "eos_token": { "__type": "AddedToken", "content": "<|end|>" } });
    let text = read(&files(object)).unwrap();
    assert_eq!((text.eos(), text.pad()), (4, 4));
}

#[test]
fn the_model_files_add_stops_and_fill_in_for_a_missing_tokenizer_config() {
    let mut given = files(json!({ "eos_token": "</s>" }));
    given.generation_config_json = bytes(json!({ "eos_token_id": [4, 3], "pad_token_id": 2 }));
    let text = read(&given).unwrap();
    assert_eq!((text.eos(), text.pad(), text.stops()), (3, 2, &[3, 4][..]));

    given.tokenizer_config_json = None;
    assert_eq!(read(&given).unwrap().stops(), [4, 3]);
    given.generation_config_json = None;
    given.config_json = bytes(json!({ "eos_token_id": 4 }));
    assert_eq!(read(&given).unwrap().eos(), 4);
    given.config_json = None;
    assert_eq!(read(&given).unwrap().eos(), 3, "</s> is a usual end");
}

#[test]
fn roles_that_cannot_be_filled_are_errors_that_name_them() {
    let refused = read(&files(json!({ "eos_token": "<end>" }))).unwrap_err();
    assert!(matches!(
        &refused,
        TextError::NotInVocabulary {
            field: "eos_token",
            ..
        }
    ));
    assert!(refused.to_string().contains("\"<end>\""), "{refused}");

    let mut given = files(json!({ "eos_token": "</s>" }));
    given.config_json = bytes(json!({ "eos_token_id": 77 }));
    let refused = read(&given).unwrap_err().to_string();
    assert!(
        refused.contains("config.json: eos_token_id = \"77\""),
        "{refused}"
    );

    let plain = String::from_utf8(tokenizer(Value::Null))
        .unwrap()
        .replace("</s>", "<e>");
    let given = TokenizerFiles {
        tokenizer_json: plain.into_bytes(),
        ..TokenizerFiles::default()
    };
    let refused = read(&given).unwrap_err();
    assert!(matches!(refused, TextError::NoEndOfSequence { .. }));
    assert!(refused.to_string().contains("<e>, <s>"), "{refused}");
}

#[test]
fn broken_files_are_named() {
    let mut given = files(json!({}));
    given.tokenizer_config_json = Some(b"[1]".to_vec());
    let refused = read(&given).unwrap_err();
    assert!(matches!(
        refused,
        TextError::File {
            file: "tokenizer_config.json",
            ..
        }
    ));
    given.tokenizer_json = b"{}".to_vec();
    let refused = read(&given).unwrap_err();
    assert!(matches!(
        refused,
        TextError::File {
            file: "tokenizer.json",
            ..
        }
    ));
}

#[test]
fn nothing_is_cut_filled_up_or_replaced_by_the_unknown_token() {
    let text = read(&files(json!({ "eos_token": "</s>" }))).unwrap();
    assert_eq!(text.encode("a b a b").unwrap(), [0, 1, 0, 1]);
    match text.encode("a b zebra") {
        Err(TextError::UnknownPiece {
            piece, position, ..
        }) => {
            assert_eq!((piece.as_str(), position), ("zebra", 4));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn plain_prompts_begin_as_the_tokenizer_begins_sequences() {
    let mut given = files(json!({ "eos_token": "</s>" }));
    given.tokenizer_json = tokenizer(json!({
        "type": "TemplateProcessing",
        "single": [
            { "SpecialToken": { "id": "<s>", "type_id": 0 } },
            { "Sequence": { "id": "A", "type_id": 0 } },
            { "SpecialToken": { "id": "</s>", "type_id": 0 } },
        ],
        "pair": [{ "Sequence": { "id": "A", "type_id": 0 } },
                 { "Sequence": { "id": "B", "type_id": 0 } }],
        "special_tokens": {
            "<s>": { "id": "<s>", "ids": [2], "tokens": ["<s>"] },
            "</s>": { "id": "</s>", "ids": [3], "tokens": ["</s>"] },
        },
    }));
    let text = read(&given).unwrap();
    assert_eq!(text.encode("a").unwrap(), [0]);
    assert_eq!(text.prompt("a").unwrap(), [2, 0]);
    assert_eq!(text.example("a", "b").unwrap().ids, [2, 0, 1, 3]);
    assert_eq!(
        text.decode(&[2, 0, 6, 1, 3]),
        "a <think> b",
        "tags stay, even special ones"
    );
}

#[test]
fn files_are_given_back_unchanged_or_with_the_roles_added() {
    let whole = json!({ "tokenizer_class": "X", "eos_token": "</s>", "pad_token": "<s>" });
    let mut given = files(whole);
    given.chat_template = Some("{{ 1 }}".into());
    assert_eq!(reread(&read(&given).unwrap()), given);

    let text = read(&files(json!({ "eos_token": "</s>", "kept": 1 }))).unwrap();
    let written = reread(&text).tokenizer_config_json.unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    let expected = json!({ "eos_token": "</s>", "kept": 1, "pad_token": "</s>",
                           "tokenizer_class": "PreTrainedTokenizerFast" });
    assert_eq!(written, expected);
}

#[test]
fn a_conversation_ends_as_its_template_ends_a_turn() {
    let template = "{{ bos_token }}{% for m in messages %}{{ m.content }}<|end|>{% endfor %}";
    let config = json!({ "eos_token": "</s>", "bos_token": "<s>", "chat_template": template });
    let mut given = files(config);
    let plain = read(&given).unwrap();
    assert_eq!((plain.eos(), plain.stops()), (3, &[3, 4][..]));
    assert_eq!(plain.prompt("b").unwrap(), [1]);

    let chat = TokenizerConfig {
        chat_template: true,
        system_prompt: "a".into(),
        ..kind(TokenizerKind::File)
    };
    let text = Text::from_files(&chat, &given).unwrap();
    assert_eq!((text.eos(), text.stops()), (4, &[4, 3][..]));
    assert_eq!(text.example("b", "a").unwrap().ids, [2, 0, 4, 1, 4, 0, 4]);
    assert_eq!(text.example("b", "a").unwrap().prompt, 5);

    // A file of its own goes before the configuration's.
    given.chat_template = Some("b {{ messages[-1].content }}".into());
    let text = Text::from_files(&chat, &given).unwrap();
    assert_eq!(text.prompt("a").unwrap(), [1, 0]);
}

#[test]
fn a_chat_template_that_is_asked_for_must_exist_and_parse() {
    let chat = TokenizerConfig {
        chat_template: true,
        ..kind(TokenizerKind::File)
    };
    let mut given = files(json!({ "eos_token": "</s>" }));
    let refused = Text::from_files(&chat, &given);
    assert!(matches!(refused, Err(TextError::NoChatTemplate)));
    given.chat_template = Some("{% for %}".into());
    let refused = Text::from_files(&chat, &given);
    assert!(matches!(refused, Err(TextError::ChatTemplate { .. })));
    assert!(read(&given).is_ok(), "not asked for, not used");

    let named =
        json!([{ "name": "tools", "template": "b" }, { "name": "default", "template": "a" }]);
    let given = files(json!({ "eos_token": "</s>", "chat_template": named }));
    assert_eq!(
        Text::from_files(&chat, &given)
            .unwrap()
            .prompt("?")
            .unwrap(),
        [0]
    );
}
