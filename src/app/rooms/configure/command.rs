//! The command line that trains what the form holds.

/// `sasr train` of a preset's file with these texts after `--set`, quoted for a POSIX shell.
pub(super) fn train_line(file: &str, overrides: &[String]) -> String {
    let mut line = format!("sasr train {}", word(&format!("configs/{file}")));
    for assignment in overrides {
        line.push_str(" --set ");
        line.push_str(&word(assignment));
    }
    line
}

/// A text as one word of a POSIX shell: in single quotes unless it needs none.
fn word(text: &str) -> String {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "_-./:,=+@%".contains(sign);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
