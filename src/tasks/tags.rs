//! The tags `<think> … </think> <answer> … </answer>` that mark reasoning and answer.
//!
//! The rules are those of the Logic-RL and TinyZero graders: a completion is well formed when each
//! tag stands in it exactly once and in order; the answer is what the last `<answer>` block holds.

/// The tags, in the order a well-formed completion has them.
pub const TAGS: [&str; 4] = ["<think>", "</think>", "<answer>", "</answer>"];

/// Whether each of the four tags stands in `text` exactly once, and in order.
pub fn well_formed(text: &str) -> bool {
    let mut previous = None;
    for tag in TAGS {
        let mut places = text.match_indices(tag).map(|(place, _)| place);
        let (Some(place), None) = (places.next(), places.next()) else {
            return false;
        };
        if previous.is_some_and(|before| place < before) {
            return false;
        }
        previous = Some(place);
    }
    true
}

/// What stands inside the last complete `<answer>` block, without the white space around it.
pub fn answer(text: &str) -> Option<&str> {
    last_block(text, TAGS[2], TAGS[3])
}

/// What stands inside the last complete `<think>` block, without the white space around it.
pub fn thought(text: &str) -> Option<&str> {
    last_block(text, TAGS[0], TAGS[1])
}

/// What stands after the last `<think>`, up to its end tag or, where that is missing, to the end of
/// the text: reasoning that was broken off can be looked at too.
pub fn thought_so_far(text: &str) -> Option<&str> {
    let (_, inside) = text.rsplit_once(TAGS[0])?;
    Some(
        inside
            .split_once(TAGS[1])
            .map_or(inside, |(thought, _)| thought),
    )
}

/// What stands behind the last `</think>`; the whole text where there is none.
pub fn behind_thought(text: &str) -> &str {
    text.rsplit_once(TAGS[1]).map_or(text, |(_, behind)| behind)
}

/// A completion with `thought` and `answer` in their tags.
pub fn wrap(thought: &str, answer: &str) -> String {
    let [think, end_think, open, close] = TAGS;
    format!("{think}{thought}{end_think}{open}{answer}{close}")
}

fn last_block<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let mut found = None;
    let mut rest = text;
    while let Some(start) = rest.find(open) {
        let inside = &rest[start + open.len()..];
        let Some(end) = inside.find(close) else { break };
        found = Some(inside[..end].trim());
        rest = &inside[end + close.len()..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_text_is_well_formed_and_read_back() {
        let text = wrap("1+2=3", "3");
        assert!(well_formed(&text));
        assert_eq!(answer(&text), Some("3"));
        assert_eq!(thought(&text), Some("1+2=3"));
    }

    #[test]
    fn missing_repeated_or_misplaced_tags_are_not_well_formed() {
        assert!(!well_formed("<think>a</think><answer>b"));
        assert!(!well_formed(
            "<think>a</think><answer>b</answer><answer>c</answer>"
        ));
        assert!(!well_formed("<answer>b</answer><think>a</think>"));
        assert!(!well_formed("<think>a<answer>b</think></answer>"));
        assert!(!well_formed(""));
        assert!(well_formed(
            "so <think>a</think> and <answer>b</answer> then"
        ));
    }

    #[test]
    fn the_last_complete_block_is_the_answer() {
        assert_eq!(
            answer("<answer>1</answer> no, <answer> 2 </answer>"),
            Some("2")
        );
        assert_eq!(answer("<answer>1</answer> no, <answer>2"), Some("1"));
        assert_eq!(answer("</answer>1<answer>"), None);
        assert_eq!(answer("é<answer>ü</answer>"), Some("ü"));
    }

    #[test]
    fn a_thought_may_be_broken_off() {
        assert_eq!(thought_so_far("<think>a</think>b"), Some("a"));
        assert_eq!(
            thought_so_far("<think>a</think><think>b</thi"),
            Some("b</thi")
        );
        assert_eq!(thought_so_far("a</think>"), None);
    }
}
