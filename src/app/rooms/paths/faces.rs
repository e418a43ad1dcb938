//! What is written on the nodes of a tree.

use eframe::egui::{Vec2, vec2};

use super::tree::{Kind, Node, Tree};
use crate::training::Verdict;

/// The two lines on a node and the room they take.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    pub head: String,
    pub foot: String,
    pub size: Vec2,
    /// All of it in words, for hovering and for screen readers.
    pub words: String,
}

/// Size of the upper line's letters, which all have one width.
pub const HEAD: f32 = 13.0;
/// Size of the lower line's letters.
pub const FOOT: f32 = 11.0;

/// Letters shown of a step, and of an answer.
const STEP_LETTERS: usize = 26;
const ANSWER_LETTERS: usize = 18;

const HEIGHT: f32 = 38.0;
const MARGIN: f32 = 16.0;

/// The faces of all nodes, in the tree's order.
pub fn of(tree: &Tree, prompt: &str) -> Vec<Face> {
    let total = tree.nodes.first().map_or(0, |root| root.samples.len());
    let face = |node: &Node| face(node, prompt, total);
    tree.nodes.iter().map(face).collect()
}

fn face(node: &Node, prompt: &str, total: usize) -> Face {
    let (count, right) = (node.samples.len(), node.right);
    let share = format!("{right} of {count} right");
    let ended = format!("{} of {total} samples end here", count);
    let (head, foot, words) = match node.kind {
        Kind::Root => (
            short(prompt, ANSWER_LETTERS),
            share.clone(),
            format!("The problem: {share}\n{prompt}"),
        ),
        Kind::Wrong(flaw) => (
            format!("⚠ {}", short(&node.text, STEP_LETTERS - 2)),
            format!("first wrong step, {}", samples(count)),
            format!(
                "The first wrong step: {}\n{}. {count} of {total} samples go wrong here; {share}",
                node.text,
                flaw.words()
            ),
        ),
        Kind::Step => (
            match node.text.lines().count() {
                0 | 1 => short(&node.text, STEP_LETTERS),
                steps => format!("… {steps} steps …"),
            },
            match node.size.filter(|&size| size != 1) {
                None => share.clone(),
                Some(size) => format!("{share}, {size} at once"),
            },
            format!(
                "{}\n{}{count} of {total} samples come through here; {share}",
                node.text,
                size_in_words(node.size)
            ),
        ),
        Kind::End(verdict) => {
            let answer = match node.text.as_str() {
                "" => verdict.words().to_owned(),
                text => short(text, ANSWER_LETTERS),
            };
            let meaning = verdict.meaning();
            let words = match node.text.as_str() {
                "" => format!("{meaning}\n{ended}"),
                text => format!("{text}\n{meaning}\n{ended}"),
            };
            (
                format!("{} {answer}", verdict.sign()),
                samples(count),
                words,
            )
        }
        Kind::Unread => (
            "no readable path".into(),
            share.clone(),
            format!(
                "No readable path: not even a first step can be read\n{count} of {total} samples; \
                 {share}"
            ),
        ),
    };
    let width = |text: &str, letter: f32| text.chars().count() as f32 * letter;
    // ✔, ✖ and ⚠ come from another font and are wider than letters.
    let sign = match node.kind {
        Kind::End(Verdict::Unfaithful) => HEAD * 1.4,
        Kind::End(_) | Kind::Wrong(_) => HEAD * 0.7,
        _ => 0.0,
    };
    let head_width = width(&head, HEAD * 0.605) + sign;
    let width = head_width.max(width(&foot, FOOT * 0.5)) + MARGIN;
    Face {
        size: vec2(width, HEIGHT),
        head,
        foot,
        words,
    }
}

/// How much a step does at once, where that is worth a word.
fn size_in_words(size: Option<u32>) -> String {
    match size {
        None | Some(1) => String::new(),
        Some(0) => "It says the same in another way\n".into(),
        Some(size) => format!("It does {size} steps of a textbook at once\n"),
    }
}

fn samples(count: usize) -> String {
    match count {
        1 => "1 sample".into(),
        count => format!("{count} samples"),
    }
}

/// The beginning of a text in one line.
pub fn short(text: &str, letters: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= letters {
        return line;
    }
    let beginning: String = line.chars().take(letters - 1).collect();
    format!("{}…", beginning.trim_end())
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::ways;
    use super::*;

    #[test]
    fn faces_tell_counts_in_words() {
        let tree = Tree::of(&ways(&["3+2 5=", "3+2 5=", "3+2 6", "?", "3+2 !3+3 6"]));
        let faces = of(&tree, "1+2+2");
        let lines: Vec<String> = faces
            .iter()
            .map(|face| format!("{} / {}", face.head, face.foot))
            .collect();
        assert_eq!(lines[0], "1+2+2 / 2 of 5 right");
        for wanted in [
            "3+2 / 2 of 4 right",
            "⚠ 3+3 / first wrong step, 1 sample",
            "✔ 5 / 2 samples",
            "✖ 6 / 1 sample",
            "no readable path / 0 of 1 right",
            "✖ wrong / 1 sample",
        ] {
            assert!(
                lines.iter().any(|line| line == wanted),
                "{wanted}: {lines:?}"
            );
        }
        assert!(
            faces[1]
                .words
                .contains("4 of 5 samples come through here; 2 of 4 right")
        );
        let wrong = faces.iter().find(|face| face.head.starts_with('⚠'));
        assert!(wrong.is_some_and(|face| {
            face.words
                .contains("The first wrong step: 3+3\nIt has another value than the step before")
        }));
    }

    #[test]
    fn steps_that_do_much_at_once_and_right_answers_without_a_chain_are_marked() {
        let mut ways = ways(&["5-7 -2=", "5-7 !3 -2!="]);
        for way in &mut ways {
            way.sizes = vec![3];
        }
        let faces = of(&Tree::of(&ways), "0+5-0-4-3");
        let step = faces.iter().find(|face| face.head == "5-7");
        let step = step.expect("the step is there");
        assert_eq!(step.foot, "2 of 2 right, 3 at once");
        assert!(step.words.contains("It does 3 steps of a textbook at once"));
        let broken = faces.iter().find(|face| face.head.starts_with("✔⚠"));
        let words = &broken.expect("a right answer is marked").words;
        assert!(words.contains("the steps before it do not hold"), "{words}");
    }

    #[test]
    fn long_texts_are_cut_on_the_node_and_whole_in_words() {
        let step = "word ".repeat(40);
        let tree = Tree::of(&ways(&[&(step.replace(' ', "_") + " 1=")]));
        let faces = of(&tree, &step);
        assert!(
            faces
                .iter()
                .all(|face| face.head.chars().count() <= STEP_LETTERS)
        );
        assert!(faces.iter().all(|face| face.size.x < 240.0));
        assert!(faces[1].words.starts_with(&step.replace(' ', "_")));
        assert_eq!(short("a\n  b", 5), "a b");
    }
}
