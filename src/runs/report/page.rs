//! The parts of a page: text that is safe to show, figures, tables, and the document around them.

use crate::palette;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Text made safe for use between tags and in quoted attributes. Control characters that HTML does
/// not allow are shown as the replacement character.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(character),
            control if control.is_control() => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

/// A complete page. `body` is markup.
pub fn document(title: &str, body: &str) -> String {
    let title = escape(title);
    let style = STYLE
        .replace("{light}", &palette::css(false))
        .replace("{dark}", &palette::css(true));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
         <script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// The parts of a page, one after the other, with a table of contents over them.
#[derive(Debug, Default)]
pub struct Parts {
    titles: Vec<String>,
    body: String,
}

impl Parts {
    /// Adds a part with its heading and one sentence on what it shows. `body` is markup, and where
    /// it is empty the part is left out.
    pub fn add(&mut self, title: &str, lead: &str, body: &str) {
        if body.is_empty() {
            return;
        }
        let lead = if lead.is_empty() {
            String::new()
        } else {
            paragraph(lead)
        };
        self.body.push_str(&format!(
            "<section id=\"part-{}\">\n<h2>{}</h2>\n{lead}{body}</section>\n",
            self.titles.len(),
            escape(title)
        ));
        self.titles.push(title.to_owned());
    }

    /// The contents, and the parts.
    pub fn finish(self) -> String {
        let link = |(number, title): (usize, &String)| {
            format!("<a href=\"#part-{number}\">{}</a>\n", escape(title))
        };
        let links: String = self.titles.iter().enumerate().map(link).collect();
        format!("<nav>\n{links}</nav>\n{}", self.body)
    }
}

/// A paragraph of plain text.
pub fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escape(text))
}

/// A chart with its title, one sentence that says what to look for, and its legend.
pub fn figure(title: &str, explanation: &str, legend: &[Key], chart: &str) -> String {
    let keys: String = legend
        .iter()
        .map(|key| {
            format!(
                "<li><i class=\"{}\"></i>{}</li>",
                key.class,
                escape(&key.name)
            )
        })
        .collect();
    let legend = match keys.is_empty() {
        true => String::new(),
        false => format!("<ul class=\"legend\">{keys}</ul>\n"),
    };
    format!(
        "<figure>\n<figcaption><h3>{}</h3><p>{}</p></figcaption>\n{legend}{chart}</figure>\n",
        escape(title),
        escape(explanation)
    )
}

/// Figures side by side where there is room.
pub fn grid(figures: &[String]) -> String {
    match figures.iter().all(String::is_empty) {
        true => String::new(),
        false => format!("<div class=\"grid\">\n{}</div>\n", figures.concat()),
    }
}

/// Many small figures, three or more side by side.
pub fn small_grid(figures: &[String]) -> String {
    grid(figures).replacen("class=\"grid\"", "class=\"grid small-figures\"", 1)
}

/// An entry of a legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The swatch's classes: a colour and, for lines, a dash.
    pub class: String,
    pub name: String,
}

impl Key {
    pub fn new(class: &str, name: &str) -> Self {
        Self {
            class: class.into(),
            name: name.into(),
        }
    }
}

/// A table of plain text; the first column names the rows.
pub fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let cells = |tag: &str, row: &[String]| -> String {
        let cell = |(column, text): (usize, &String)| match (tag, column) {
            ("td", 0) => format!("<th scope=\"row\">{}</th>", escape(text)),
            _ => format!("<{tag}>{}</{tag}>", escape(text)),
        };
        row.iter().enumerate().map(cell).collect()
    };
    let body: String = rows
        .iter()
        .map(|row| format!("<tr>{}</tr>\n", cells("td", row)))
        .collect();
    format!(
        "<div class=\"wide\"><table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{body}</tbody>\n\
         </table></div>\n",
        cells("th", head)
    )
}

/// Something to open on demand. `body` is markup.
pub fn details(summary: &str, body: &str) -> String {
    format!(
        "<details>\n<summary>{}</summary>\n{body}</details>\n",
        escape(summary)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_text_can_open_a_tag_or_leave_an_attribute() {
        let safe = escape("<script>alert('a' & \"b\")</script>\u{0}\n");
        assert_eq!(
            safe,
            "&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)&lt;/script&gt;\u{fffd}\n"
        );
    }

    #[test]
    fn an_empty_part_leaves_no_heading() {
        let mut parts = Parts::default();
        parts.add("Losses", "What they are.", "");
        parts.add("Reward", "", "<p>0.5</p>");
        let markup = parts.finish();
        assert!(!markup.contains("Losses") && markup.contains("<h2>Reward</h2>"));
        assert!(markup.contains("href=\"#part-0\"") && markup.contains("id=\"part-0\""));
        assert_eq!(grid(&[String::new()]), "");
    }
}
