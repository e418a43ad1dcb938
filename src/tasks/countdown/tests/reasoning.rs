use super::*;
use crate::tasks::reasoning::told;

#[test]
fn a_chain_holds_where_operations_and_answer_are_true() {
    let made = task("+-*", 9, 99, Layout::Compact);
    let problem = asked(&made, &[3, 5, 7], 22);
    for (completion, wanted) in [
        ("3*5=15 15+7=22;3*5+7", "3*5=15 (1) 15+7=22 (1)"),
        // Both at once, none written down, and one of them left to the answer.
        ("3*5+7=22;3*5+7", "3*5+7=22 (2)"),
        (";3*5+7", "3*5+7 (2)"),
        ("3*5=15;3*5+7", "3*5=15 (1) 3*5+7 (1)"),
        ("3 * 5 = 15\n15 + 7 = 22;3*5+7", "3*5=15 (1) 15+7=22 (1)"),
        ("3 * 5 = 15 15 + 7 = 22;3*5+7", "3*5=15 (1) 15+7=22 (1)"),
        ("3×5=15, 15+7=22.;3×5+7", "3*5=15 (1) 15+7=22 (1)"),
        ("3-5=-2 -2+7=5;3*5+7", "3-5=-2 (1) 7-2=5 (1)"),
    ] {
        let reasoning = made.reasoning(&problem, completion, true);
        assert_eq!(told(&reasoning), wanted, "{completion}");
        // Whatever the operations, the answer's expression tells the path.
        assert_eq!(
            reasoning.chain().map(Chain::path).as_deref(),
            Some("3*5+7"),
            "{completion}"
        );
    }
}

#[test]
fn a_chain_breaks_at_the_first_operation_that_is_false_or_not_at_hand() {
    let made = task("+-*", 9, 99, Layout::Compact);
    let problem = asked(&made, &[3, 5, 7], 22);
    for (completion, finished, wanted) in [
        ("5*3=16 16+7=23;3*5+7+1", true, "✖ 3*5=16 NotEqual"),
        // A right answer does not mend what is false.
        ("5*3=16 16+7=23;3*5+7", true, "✖ 3*5=16 NotEqual"),
        ("3*5=15 15+7=23;3*5", true, "3*5=15 ✖ 15+7=23 NotEqual"),
        ("3*5=15 15+5=20;3*5+5", true, "3*5=15 ✖ 15+5=20 NotAtHand"),
        ("3*5=15 15/7=2;3*5/7", true, "3*5=15 ✖ 15/7=2 NotAtHand"),
        (
            "3*5=15 15-7=8;3*5-7",
            true,
            "3*5=15 15-7=8 ✖ 3*5-7 MissesTarget",
        ),
        ("3*5=15 what;3*5", true, "3*5=15 ✖ what Unreadable"),
        ("3*5=15;3*+", true, "3*5=15 ✖ 3*+ Unreadable"),
        (";3+5", true, "✖ 3+5 MissesTarget"),
        // Cut off within an operation, and within the expression.
        ("3*5=15 15+7=2", false, "3*5=15 ✖ ends"),
        ("3*5=15 15-7=8;3*", false, "3*5=15 15-7=8 ✖ ends"),
        // Garbage, even before an answer that is right by luck.
        ("+*7", true, "✖ +*7 Unreadable"),
        ("3=;3*5+7", true, "✖ 3= Unreadable"),
        ("", true, "✖ ends"),
    ] {
        let reasoning = made.reasoning(&problem, completion, finished);
        assert_eq!(told(&reasoning), wanted, "{completion}");
    }
}

#[test]
fn with_tags_a_thought_in_words_is_not_judged() {
    let made = task("+-*", 9, 99, Layout::Tags);
    let problem = asked(&made, &[3, 5, 7], 22);
    for (completion, wanted) in [
        (
            "<think>3*5=15 7+15=22</think><answer>3*5+7</answer>",
            "3*5=15 (1) 15+7=22 (1)",
        ),
        ("<think></think><answer>3*5+7</answer>", "3*5+7 (2)"),
        (
            "<think>3*5=15 7+15=23</think><answer>3*5+8</answer>",
            "3*5=15 ✖ 15+7=23 NotEqual",
        ),
        (
            "<think>+=3</think><answer>3*5+7</answer>",
            "✖ +=3 Unreadable",
        ),
        (
            r"<think>$3 \times 5 = 15$, $15+7=22$</think><answer>$3\times5+7$</answer>",
            "3*5=15 (1) 15+7=22 (1)",
        ),
        (
            "<think>I take 3*5 first.</think><answer>3*5+7</answer>",
            "not judged",
        ),
        ("<answer>3*5+7</answer>", "not judged"),
    ] {
        let reasoning = made.reasoning(&problem, completion, true);
        assert_eq!(told(&reasoning), wanted, "{completion}");
    }
}
