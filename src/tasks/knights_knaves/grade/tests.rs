use super::*;
use crate::config::Layout;
use crate::tasks::knights_knaves::Wording;

fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn english_answers_are_read_as_logic_rl_does() {
    let names = named(&["Zoey", "Luke"]);
    let stated = |text: &str| super::stated(&names, text);
    assert_eq!(
        stated("(1) Zoey is a knight\n(2) Luke is a knave"),
        Some(vec![true, false])
    );
    assert_eq!(
        stated("luke IS A KNIGHT, zoey is  a\nknave."),
        Some(vec![false, true])
    );
    for unreadable in [
        "Zoey is a knight",
        "Zoey is a knight, Luke is a knave, so one knave",
        "Zoey is knight, Luke is knave",
        "Zoey: knight, Luke: knave",
        "Chloey is a knight, Luke is a knave",
        "Zoey is a knight, Zoey is a knave",
        "Zoey cannot be a knight, Luke is a knave",
        "",
    ] {
        assert_eq!(stated(unreadable), None, "{unreadable}");
    }
    let longer = named(&["Ann", "Mary Ann"]);
    assert_eq!(
        super::stated(&longer, "Mary Ann is a knave and Ann is a knight"),
        Some(vec![true, false])
    );
    assert_eq!(super::stated(&[], ""), None);
}

#[test]
fn short_answers_name_everyone_once() {
    let names = named(&["A", "B"]);
    let stated = |text: &str| stated_short(&names, text);
    assert_eq!(stated("A=k B=n"), Some(vec![true, false]));
    assert_eq!(stated(" B=n,A=k"), Some(vec![true, false]));
    for unreadable in [
        "A=k",
        "A=k A=n",
        "A=k B=n A=k",
        "A=k C=n",
        "A=k B=x",
        "AB=k",
        "",
    ] {
        assert_eq!(stated(unreadable), None, "{unreadable}");
    }
}

#[test]
fn the_reward_with_tags_is_that_of_logic_rl() {
    let names = named(&["Zoey", "Luke"]);
    let total = |completion: &str, finished| {
        Wording::English
            .score(Layout::Tags, &names, &[true, false], completion, finished)
            .total
    };
    let right = "<answer>(1) Zoey is a knight (2) Luke is a knave</answer>";
    let wrong = "<answer>(1) Zoey is a knave (2) Luke is a knave</answer>";
    assert_eq!(total(&format!("<think></think>{right}"), true), 3.0);
    assert_eq!(total(&format!("<think></think>{wrong}"), true), -0.5);
    assert_eq!(
        total("<think></think><answer>I do not know</answer>", true),
        -1.0
    );
    assert_eq!(total(right, true), -3.0);
    assert_eq!(total("", true), -3.0);
    assert_eq!(total(&format!("<think></think>{right}"), false), -1.0);
}

#[test]
fn assumptions_make_the_path() {
    let names = named(&["Zoey", "Luke"]);
    let path = |text: &str| steps(&assumptions(&names, text));
    let text = "Luke says that Zoey is a knave. Assume Zoey is a knight. If Luke is a knave then \
                fine. Luke cannot be a knight, because Zoey is a knight. Suppose that Luke is a \
                knave. Assume Chloe is a knave.";
    assert_eq!(path(text), "1=knight|2=knight|2=knave");
    assert_eq!(path("Zoey is a knight and Luke is a knave."), "");
    let letters = named(&["A", "B"]);
    let path = |text: &str| steps(&assumptions_short(&letters, text));
    assert_eq!(path("A=k+ B=k!A B=n+;A=k B=n"), "1=knight|2=knight|2=knave");
    assert_eq!(path("A=k B=n"), "");
}

fn steps(said: &[Said]) -> String {
    let steps: Vec<String> = said.iter().map(Said::step).collect();
    steps.join("|")
}

#[test]
fn the_parts_of_both_rewards_are_named() {
    let names = |reward: Reward| -> Vec<String> {
        reward.parts.into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(
        names(tagged_reward(&[true], "", true, |_| None)),
        REWARD_PARTS
    );
    assert_eq!(names(compact_reward(&[true], None, true)), REWARD_PARTS);
}
