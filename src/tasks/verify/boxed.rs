//! Answers of the MATH data set: the last `\boxed{…}`, and when two of them are the same.
//!
//! The rules and their order are those of the data set's own grader (hendrycks/math, functions
//! `last_boxed_only_string` and `_strip_string`), so that accuracies can be compared with published
//! ones. They make text equal, not values: `0.25` and `\frac{1}{4}` stay different.

/// What the last `\boxed` (or, without any, the last `\fbox`) holds, its braces matched. The form
/// without braces, `\boxed 7$`, holds what stands up to the next `$`. `None` where there is no box
/// or where its closing brace is missing.
pub fn last_boxed(text: &str) -> Option<&str> {
    let (_, rest) = text
        .rsplit_once(r"\boxed")
        .or_else(|| text.rsplit_once(r"\fbox"))?;
    if let Some(content) = rest.trim_start().strip_prefix('{') {
        let mut open = 1;
        for (place, character) in content.char_indices() {
            match character {
                '{' => open += 1,
                '}' => open -= 1,
                _ => {}
            }
            if open == 0 {
                return Some(content[..place].trim());
            }
        }
        return None;
    }
    let content = rest.strip_prefix(' ')?;
    let answer = content.split('$').next().unwrap_or(content).trim();
    (!answer.is_empty()).then_some(answer)
}

/// The answer in the grader's normal form. The steps are in the published order, which matters.
pub fn normalise(answer: &str) -> String {
    let mut text = answer.replace('\n', "");
    for (from, to) in [
        (r"\!", ""),
        (r"\\", r"\"),
        (r"\tfrac", r"\frac"),
        (r"\dfrac", r"\frac"),
        (r"\left", ""),
        (r"\right", ""),
        (r"^{\circ}", ""),
        (r"^\circ", ""),
        (r"\$", ""),
    ] {
        text = text.replace(from, to);
    }
    // Units stand at the end, in a \text that begins with a space.
    if let Some(units) = text.find(r"\text{ ") {
        text.truncate(units);
    }
    text = text
        .replace(r"\%", "")
        .replace(" .", " 0.")
        .replace("{.", "{0.");
    if text.starts_with('.') {
        text.insert(0, '0');
    }
    text = without_short_left_side(text);
    text = braced_roots(&text).replace(' ', "");
    text = braced_fractions(&text);
    if text == "0.5" {
        text = r"\frac{1}{2}".to_owned();
    }
    slash_to_fraction(text)
}

/// `x=5` → `5`: with exactly one `=` and at most two characters before it, the right side.
fn without_short_left_side(text: String) -> String {
    match text.split_once('=') {
        Some((left, right)) if !right.contains('=') && left.chars().count() <= 2 => {
            right.to_owned()
        }
        _ => text,
    }
}

/// `\sqrt3` → `\sqrt{3}`: a root of one bare character gets its braces.
fn braced_roots(text: &str) -> String {
    let mut pieces = text.split(r"\sqrt");
    let mut braced = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        braced.push_str(r"\sqrt");
        match piece.chars().next() {
            Some(first) if first != '{' => {
                braced.push_str(&format!("{{{first}}}{}", &piece[first.len_utf8()..]));
            }
            _ => braced.push_str(piece),
        }
    }
    braced
}

/// `\frac12` → `\frac{1}{2}` and `\frac1{72}` → `\frac{1}{72}`. A text with a fraction that has
/// too few parts stays as it is.
fn braced_fractions(text: &str) -> String {
    let mut pieces = text.split(r"\frac");
    let mut braced = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        braced.push_str(r"\frac");
        if piece.starts_with('{') {
            braced.push_str(piece);
            continue;
        }
        let mut characters = piece.chars();
        let (Some(over), Some(under)) = (characters.next(), characters.next()) else {
            return text.to_owned();
        };
        let rest = characters.as_str();
        if under == '{' {
            braced.push_str(&format!("{{{over}}}{{{rest}"));
        } else {
            braced.push_str(&format!("{{{over}}}{{{under}}}{rest}"));
        }
    }
    braced
}

/// `3/4` → `\frac{3}{4}`, for whole numbers written without leading zeros.
fn slash_to_fraction(text: String) -> String {
    let whole = |part: &str| {
        part.parse::<i64>()
            .is_ok_and(|number| number.to_string() == part)
    };
    match text.split_once('/') {
        Some((over, under)) if whole(over) && whole(under) => {
            format!(r"\frac{{{over}}}{{{under}}}")
        }
        _ => text,
    }
}
