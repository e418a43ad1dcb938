//! One way to write for what can be written in many: look-alike signs and the commands of TeX.

/// A space that does not part words: between digits it stands for a thousands comma.
pub(super) const HARD_SPACE: char = '\u{a0}';

/// What stands where a TeX command is unknown to us; its name follows.
pub(super) const COMMAND: char = '\\';

/// Commands that only say how their braces look.
const WRAPPERS: [&str; 19] = [
    "boxed",
    "fbox",
    "text",
    "textbf",
    "textit",
    "textrm",
    "textnormal",
    "mathrm",
    "mathbf",
    "mathit",
    "mathsf",
    "mathtt",
    "mbox",
    "hbox",
    "emph",
    "boldsymbol",
    "bf",
    "rm",
    "underline",
];

/// Commands that take up room or say how large something is.
const LAYOUT: [&str; 10] = [
    "quad",
    "qquad",
    "space",
    "displaystyle",
    "textstyle",
    "to",
    "rightarrow",
    "Rightarrow",
    "implies",
    "therefore",
];

/// Commands that stand before a bracket and change nothing.
const SIZES: [&str; 10] = [
    "left", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "bigg", "Bigg",
];

/// Commands with a sign of their own.
const SIGNS: [(&str, &str); 40] = [
    ("frac", r"\frac"),
    ("dfrac", r"\frac"),
    ("tfrac", r"\frac"),
    ("cfrac", r"\frac"),
    ("times", "×"),
    ("cdot", "×"),
    ("ast", "×"),
    ("div", "÷"),
    ("pm", "±"),
    ("mp", "±"),
    ("sqrt", "√"),
    ("approx", "≈"),
    ("simeq", "≈"),
    ("sim", "≈"),
    ("equiv", "="),
    ("colon", ":"),
    ("le", "<"),
    ("leq", "<"),
    ("leqslant", "<"),
    ("lt", "<"),
    ("ge", "≥"),
    ("geq", "≥"),
    ("geqslant", "≥"),
    ("gt", "≥"),
    ("ne", "≠"),
    ("neq", "≠"),
    ("ldots", "…"),
    ("dots", "…"),
    ("cdots", "…"),
    ("circ", "°"),
    ("degree", "°"),
    ("pounds", "£"),
    ("euro", "€"),
    ("percent", "%"),
    ("lbrace", " "),
    ("rbrace", " "),
    ("newline", "\n"),
    ("par", "\n"),
    ("lvert", "|"),
    ("rvert", "|"),
];

const SUPERSCRIPTS: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺";
const SUBSCRIPTS: &str = "₀₁₂₃₄₅₆₇₈₉₋₊";
const SCRIPT_VALUES: &str = "0123456789-+";

const VULGAR_FRACTIONS: [(char, &str); 18] = [
    ('½', "1/2"),
    ('⅓', "1/3"),
    ('⅔', "2/3"),
    ('¼', "1/4"),
    ('¾', "3/4"),
    ('⅕', "1/5"),
    ('⅖', "2/5"),
    ('⅗', "3/5"),
    ('⅘', "4/5"),
    ('⅙', "1/6"),
    ('⅚', "5/6"),
    ('⅐', "1/7"),
    ('⅛', "1/8"),
    ('⅜', "3/8"),
    ('⅝', "5/8"),
    ('⅞', "7/8"),
    ('⅑', "1/9"),
    ('⅒', "1/10"),
];

/// The text in plain signs.
pub(super) fn plain(text: &str) -> Vec<char> {
    let text: Vec<char> = text.chars().map(look_alike).collect();
    let mut out: Vec<char> = Vec::with_capacity(text.len());
    let mut place = 0;
    while let Some(&sign) = text.get(place) {
        place += match sign {
            COMMAND => command(&text[place + 1..], &mut out) + 1,
            '<' => tag(&text[place..], &mut out),
            '{' if text[place..].starts_with(&['{', ',', '}']) => {
                out.push(',');
                3
            }
            // Zero-width signs, the soft hyphen, the byte-order mark.
            '\u{200b}'..='\u{200d}' | '\u{ad}' | '\u{feff}' | '\u{2060}' => 1,
            _ => single(&text[place..], &mut out),
        };
    }
    out
}

/// The usual sign for one that looks like it, or is it in another width.
fn look_alike(sign: char) -> char {
    match sign {
        // Full-width forms keep the order of ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(sign as u32 - 0xfee0).unwrap_or(sign),
        '−' | '‐' | '‑' | '‒' | '–' | '﹣' => '-',
        '―' => '—',
        '⁄' | '∕' => '/',
        '·' | '⋅' | '∙' | '∗' | '✕' | '✖' => '×',
        '≤' | '⩽' => '<',
        '⩾' => '≥',
        '。' => '.',
        '、' => ',',
        '\u{3000}' => ' ',
        '\u{202f}' | '\u{2009}' | '\u{2007}' | '\u{2006}' => HARD_SPACE,
        '\r' => '\n',
        other => other,
    }
}

/// Takes what follows a backslash; returns its length.
fn command(rest: &[char], out: &mut Vec<char>) -> usize {
    let letters = rest
        .iter()
        .take_while(|sign| sign.is_ascii_alphabetic())
        .count();
    if letters == 0 {
        match rest.first() {
            Some(sign @ ('%' | '$' | '&' | '#')) => out.push(*sign),
            Some(',' | ';' | ':' | '>' | '~') => out.push(HARD_SPACE),
            Some('\\') => out.push('\n'),
            Some('!' | '-') => {}
            _ => out.push(' '),
        }
        return usize::from(!rest.is_empty());
    }
    let name: String = rest[..letters].iter().collect();
    let sign = SIGNS.iter().find(|(known, _)| *known == name);
    match sign {
        Some((_, sign)) => out.extend(sign.chars()),
        None if WRAPPERS.contains(&name.as_str()) || LAYOUT.contains(&name.as_str()) => {
            out.push(' ')
        }
        None if SIZES.contains(&name.as_str()) => {}
        None => {
            out.push(COMMAND);
            out.extend(&rest[..letters]);
        }
    }
    letters
}

/// A tag of HTML (`<b>`, `</answer>`) is a space; any other `<` stays. Returns the length taken.
fn tag(rest: &[char], out: &mut Vec<char>) -> usize {
    let slash = usize::from(rest.get(1) == Some(&'/'));
    let name = rest[1 + slash..]
        .iter()
        .take_while(|sign| sign.is_ascii_alphanumeric());
    let end = 1 + slash + name.count();
    let named = rest.get(1 + slash).is_some_and(char::is_ascii_alphabetic);
    let rest_of_it = &rest[end..];
    let closing = rest_of_it
        .iter()
        .take_while(|sign| matches!(sign, ' ' | '/'))
        .count();
    if named && rest_of_it.get(closing) == Some(&'>') {
        out.push(' ');
        return end + closing + 1;
    }
    out.push('<');
    1
}

/// Any other sign; raised and lowered digits become an exponent or an index. Returns the length
/// taken.
fn single(rest: &[char], out: &mut Vec<char>) -> usize {
    let sign = rest[0];
    for (mark, scripts) in [('^', SUPERSCRIPTS), ('_', SUBSCRIPTS)] {
        let value = |sign: &char| {
            let place = scripts.chars().position(|script| script == *sign)?;
            SCRIPT_VALUES.chars().nth(place)
        };
        let raised: Vec<char> = rest.iter().map_while(value).collect();
        if !raised.is_empty() {
            out.extend([mark, '{']);
            out.extend(&raised);
            out.push('}');
            return raised.len();
        }
    }
    match VULGAR_FRACTIONS
        .iter()
        .find(|(fraction, _)| *fraction == sign)
    {
        Some((_, written)) => {
            out.push(' ');
            out.extend(written.chars());
        }
        None => out.push(sign),
    }
    1
}
