use super::{config, quickstart};
use crate::app::rooms::configure::draft::{Draft, bases};
use crate::app::rooms::configure::fields::form;
use crate::config::RunConfig;

/// Splits a line into words as a POSIX shell does, for quotes and backslashes.
fn shell_words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut open, mut quote) = (false, None);
    let mut signs = line.chars();
    while let Some(sign) = signs.next() {
        let taken = match (quote, sign) {
            (None, ' ') => {
                open = false;
                continue;
            }
            (None, '\'' | '"') => {
                quote = Some(sign);
                None
            }
            (None, '\\') => signs.next(),
            (Some(mark), sign) if mark == sign => {
                quote = None;
                None
            }
            (Some('"'), '$' | '`' | '\\') | (None, '$' | '`' | '*' | '?' | '#' | '~' | '&') => {
                panic!("{sign} is not plain in {line}")
            }
            (None, '(' | ')' | '{' | '}' | '[' | ']' | '<' | '>' | '|' | ';' | '!') => {
                panic!("{sign} is not plain in {line}")
            }
            (_, sign) => Some(sign),
        };
        if !open {
            words.push(String::new());
            open = true;
        }
        words.last_mut().unwrap().extend(taken);
    }
    assert_eq!(quote, None, "a quote is open in {line}");
    words
}

/// What a command line trains: the preset's file and the texts after `--set`.
fn parsed(line: &str) -> (String, Vec<String>) {
    let words = shell_words(line);
    assert_eq!(words[..2], ["sasr", "train"]);
    let sets = words[3..].chunks(2);
    let overrides = sets.map(|pair| match pair {
        [flag, text] if flag == "--set" => text.clone(),
        other => panic!("{other:?} in {line}"),
    });
    (words[2].clone(), overrides.collect())
}

/// The configuration that a command line trains, read from the preset's own file.
fn trained(line: &str) -> RunConfig {
    let (file, overrides) = parsed(line);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
    match std::fs::read_to_string(&path) {
        Ok(text) => RunConfig::from_toml(&text, &file, &overrides).unwrap(),
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

#[test]
fn the_command_line_trains_what_the_form_holds() {
    let edits = [
        ("grpo.num_generations", "16"),
        ("sft.learning_rate", ".002"),
        ("name", "it's mine"),
        ("description", " a \"b\" 'c' = $d `e` \\ \u{7f}"),
        ("device", "cpu"),
        ("balance.method", "constant"),
        ("balance.kl_origin", "base"),
        ("evaluation.robustness", "false"),
        ("curriculum.levels", "1, 3"),
        ("base.levels", ""),
        ("base.steps", "0"),
        ("grpo.reward_weights", "format = 0.5, \"a b\" = 2"),
    ];
    let mut draft = quickstart(&edits);
    let checked = draft.check();
    assert_eq!(checked.changed.len(), edits.len(), "{:?}", checked.problems);
    assert_eq!(trained(&checked.command), config(&draft));
    let simple = quickstart(&edits[..1]).check().command;
    assert_eq!(
        simple,
        "sasr train configs/quickstart.toml --set grpo.num_generations=16"
    );

    // Files have their own conflicts, so they need another task.
    draft = Draft::from_preset("gsm8k.toml");
    draft.set(
        "task.files.train",
        "a file.jsonl\n\n  it's \"b\".jsonl\n".into(),
    );
    let files = &config(&draft).task.files.train;
    assert_eq!(files, &["a file.jsonl", "it's \"b\".jsonl"]);
    assert_eq!(trained(&draft.check().command), config(&draft));
}

#[test]
fn every_field_can_be_said_on_the_command_line() {
    for base in bases() {
        for other in bases()
            .iter()
            .filter(|other| other.preset.file != base.preset.file)
        {
            // One preset, written as changes to another.
            let mut draft = Draft::from_preset(base.preset.file);
            for field in form() {
                let theirs = Draft::from_preset(other.preset.file);
                draft.set(field.path(), theirs.text(field.path()).to_owned());
            }
            assert_eq!(config(&draft), other.preset.config);
            assert_eq!(trained(&draft.check().command), other.preset.config);
        }
    }
}
