//! Vocabularies made from tasks.

use super::*;
use crate::config::{Layout, TaskConfig};
use crate::tasks::arithmetic::Arithmetic;
use crate::tasks::countdown::Countdown;
use crate::tasks::knights_knaves::KnightsKnaves;

const SMALL: [&str; 2] = ["1+2 = 3\n", "<think>1+2</think><answer>3</answer>"];

fn built(tokenizer: TokenizerKind, task: &dyn Task) -> Text {
    Text::from_task(&kind(tokenizer), task).expect("a vocabulary")
}

/// The generated tasks in both layouts.
fn tasks() -> Vec<Box<dyn Task>> {
    let mut tasks: Vec<Box<dyn Task>> = Vec::new();
    for layout in [Layout::Compact, Layout::Tags] {
        let mut config = TaskConfig {
            layout,
            ..TaskConfig::default()
        };
        config.arithmetic.operators = "+-*".into();
        config.arithmetic.parentheses = 0.3;
        tasks.push(Box::new(Arithmetic::new(&config).expect("arithmetic")));
        tasks.push(Box::new(Countdown::new(&config).expect("countdown")));
        for short in [false, true] {
            config.knights_knaves.short = short;
            tasks.push(Box::new(KnightsKnaves::new(&config).expect("puzzles")));
        }
    }
    tasks
}

/// Prompts, demonstrations and reworded prompts of a few problems of every level and split.
fn texts_of(task: &dyn Task) -> Vec<String> {
    let mut texts = task.vocabulary_sample();
    for level in task.levels() {
        for split in [Split::Train, Split::Exam, Split::Test] {
            for index in 100..104 {
                let problem = task.problem(split, level, index);
                texts.push(task.demonstration(&problem, index));
                for perturbation in task.perturbations() {
                    let reworded = task.perturb(&problem, perturbation.name, index);
                    texts.extend(reworded.map(|problem| problem.prompt));
                }
                texts.push(problem.prompt);
            }
        }
    }
    texts
}

/// Checks that a vocabulary of `tokenizer` knows and gives back all texts of `task`.
fn assert_lossless(tokenizer: TokenizerKind, task: &dyn Task, texts: &[String]) {
    let built = built(tokenizer, task);
    for text in texts {
        let ids = built.encode(text).unwrap_or_else(|error| {
            panic!("{} {tokenizer:?}: {error}", task.name());
        });
        assert_eq!(&built.decode(&ids), text, "{} {tokenizer:?}", task.name());
        assert!(ids.iter().all(|id| (*id as usize) < built.vocabulary()));
    }
}

#[test]
fn every_text_of_the_generated_tasks_comes_back_from_its_tokens() {
    for task in tasks() {
        let texts = texts_of(task.as_ref());
        assert_lossless(TokenizerKind::Char, task.as_ref(), &texts);
        assert_lossless(TokenizerKind::Word, task.as_ref(), &texts);
        if task.name() == "countdown" {
            assert_lossless(TokenizerKind::Bpe, task.as_ref(), &texts);
        }
    }
}

#[test]
fn characters_are_numbered_in_their_order_after_special_tokens_and_tags() {
    let text = built(TokenizerKind::Char, &Texts::new(&SMALL));
    let names: Vec<String> = (0..text.vocabulary() as u32)
        .map(|id| text.token(id))
        .collect();
    let tags = ["<think>", "</think>", "<answer>", "</answer>"];
    let expected = [
        &["<pad>", "<eos>"][..],
        &tags,
        &["\\n", " ", "+", "1", "2", "3", "="],
    ];
    assert_eq!(names, expected.concat());
    assert_eq!((text.pad(), text.eos(), text.stops()), (0, 1, &[1][..]));
    assert_eq!(
        text.encode("<think>1 +\n</think>").unwrap(),
        [2, 9, 7, 8, 6, 3]
    );
    assert_eq!(text.token(99), "[99]");
}

#[test]
fn tags_have_no_token_where_the_task_does_not_use_them() {
    let text = built(TokenizerKind::Char, &Texts::new(&["ba"]));
    assert_eq!(text.vocabulary(), 4);
    assert_eq!(text.encode("ab").unwrap(), [2, 3]);
    assert!(text.encode("<think>").is_err());
}

#[test]
fn words_are_whole_and_digits_and_signs_stand_alone() {
    let text = built(
        TokenizerKind::Word,
        &Texts::new(&["Zoë's 42 knights, no knaves.\n"]),
    );
    let ids = text.encode("knights 24, Zoë\n").unwrap();
    let tokens: Vec<String> = ids.iter().map(|id| text.token(*id)).collect();
    assert_eq!(tokens, ["knights", " ", "2", "4", ",", " ", "Zoë", "\\n"]);
}

#[test]
fn a_piece_outside_the_vocabulary_is_named_with_its_place() {
    let task = Texts::new(&["two knaves and <think>1</think>"]);
    let long = format!("{}né two", "two ".repeat(20));
    for (tokenizer, text, piece, position) in [
        (TokenizerKind::Char, "two\nknaves", "\n", 3),
        (TokenizerKind::Char, "<think>two knights</think>", "i", 13),
        (TokenizerKind::Word, "two knights", "knights", 4),
        (TokenizerKind::Word, long.as_str(), "né", 80),
    ] {
        match built(tokenizer, &task).encode(text) {
            Err(TextError::UnknownPiece {
                piece: found,
                position: at,
                text: part,
            }) => {
                assert_eq!((found.as_str(), at), (piece, position));
                assert!(part.contains(piece) && part.chars().count() < 70, "{part}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn an_example_is_prompt_completion_and_end() {
    let text = built(TokenizerKind::Char, &Texts::new(&["12+="]));
    let example = text.example("1+1=", "2").unwrap();
    assert_eq!(example.prompt, 4);
    assert_eq!(example.ids[..4], text.prompt("1+1=").unwrap());
    assert_eq!(example.ids[4..], [text.encode("2").unwrap()[0], text.eos()]);
    assert_eq!(text.decode(&example.ids[4..]), "2");
    assert_eq!(text.decode(&[text.pad(), text.eos(), 10_000]), "");
}

#[test]
fn a_bpe_merges_what_is_frequent_and_knows_every_byte() {
    let task = Texts::new(&["the knights say the knights", "the <think>thin</think> 11"]);
    let config = TokenizerConfig {
        vocab_size: 300,
        ..kind(TokenizerKind::Bpe)
    };
    let text = Text::from_task(&config, &task).unwrap();
    let ids = text.encode(" knights").unwrap();
    assert_eq!(ids.len(), 1);
    assert_eq!(text.token(ids[0]), " knights");
    assert_eq!(text.encode("<think></think>").unwrap(), [2, 3]);
    assert_eq!(text.encode("11").unwrap().len(), 2, "digits stay apart");
    for unseen in ["naïve 你好 🙂\r\n\t\0", "  two  spaces ", ""] {
        assert_eq!(text.decode(&text.encode(unseen).unwrap()), unseen);
    }
    let smile = text.encode("🙂").unwrap();
    assert_eq!(
        text.token(smile[0]),
        "ð",
        "a part of a character is shown as the file writes it"
    );
}

#[test]
fn the_vocabulary_size_of_a_bpe_is_kept_and_must_hold_the_bytes() {
    let words: Vec<String> = (0..400)
        .map(|n| format!("w{}", "xyz".repeat(n % 40)))
        .collect();
    let task = Texts(words);
    let size = |vocab_size| {
        let config = TokenizerConfig {
            vocab_size,
            ..kind(TokenizerKind::Bpe)
        };
        Text::from_task(&config, &task).map(|text| text.vocabulary())
    };
    assert_eq!(size(270).unwrap(), 270);
    assert_eq!(size(258).unwrap(), 258);
    let refused = size(257);
    assert!(matches!(
        refused,
        Err(TextError::VocabularyTooSmall { needed: 258, .. })
    ));
}

#[test]
fn equal_tasks_give_equal_files_and_checkpoints_read_them_back() {
    let task = Texts::new(&SMALL);
    for tokenizer in [TokenizerKind::Char, TokenizerKind::Word, TokenizerKind::Bpe] {
        let first = built(tokenizer, &task);
        assert_eq!(first.files(), built(tokenizer, &task).files());
        let again = Text::from_files(&kind(tokenizer), &reread(&first)).unwrap();
        assert_eq!(again.files(), first.files());
        assert_eq!((again.eos(), again.pad()), (first.eos(), first.pad()));
        assert_eq!(again.vocabulary(), first.vocabulary());
        assert_eq!(
            again.encode(SMALL[1]).unwrap(),
            first.encode(SMALL[1]).unwrap()
        );
    }
}

#[test]
fn a_task_without_texts_and_the_kind_file_are_refused() {
    let refused = Text::from_task(&kind(TokenizerKind::Char), &Texts::new(&[""]));
    assert!(matches!(refused, Err(TextError::NoTexts { task: "texts" })));
    let refused = Text::from_task(&kind(TokenizerKind::File), &Texts::new(&SMALL));
    assert!(matches!(refused, Err(TextError::FileNeeded)));
}

#[test]
fn real_word_problems_come_back_and_train_the_same_bpe_twice() {
    let Some(bytes) = shared("data/gsm8k/test.jsonl") else {
        return;
    };
    let mut texts = Vec::new();
    for line in String::from_utf8_lossy(&bytes).lines().take(200) {
        let row: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        for field in ["question", "answer"] {
            texts.push(row[field].as_str().expect("a text").to_owned());
        }
    }
    let task = Texts(texts);
    for tokenizer in [TokenizerKind::Char, TokenizerKind::Word, TokenizerKind::Bpe] {
        assert_lossless(tokenizer, &task, &task.0);
    }
    let bpe = built(TokenizerKind::Bpe, &task);
    assert_eq!(bpe.vocabulary(), 1024);
    assert_eq!(bpe.files(), built(TokenizerKind::Bpe, &task).files());
}
