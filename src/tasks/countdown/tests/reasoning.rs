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
        ("3x5=15 15 + 7 = 22;3 x 5 + 7", "3*5=15 (1) 15+7=22 (1)"),
        ("15=3*5 22=15+7;22=3*5+7", "3*5=15 (1) 15+7=22 (1)"),
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
fn operations_that_lead_elsewhere_do_not_hold() {
    let made = task("+-*/", 9, 99, Layout::Compact);
    let cases: [(&[u32], u32, &str, &str); 9] = [
        // All true, the answer right, and one has nothing to do with the other.
        (
            &[3, 5, 7],
            22,
            "3-5=-2 -2+7=5;3*5+7",
            "3-5=-2 7-2=5 ✖ 3*5+7 Disagrees",
        ),
        (
            &[3, 5, 7],
            22,
            "3+5=8 8+7=15;3*5+7",
            "3+5=8 7+8=15 ✖ 3*5+7 Disagrees",
        ),
        // No way leads from 3 and 12 to 22; from 15 and 7 there is one.
        (&[3, 5, 7], 22, "5+7=12;3*5+7", "5+7=12 ✖ 3*5+7 Disagrees"),
        (&[3, 5, 7], 22, "3*5=15;3*5+7", "3*5=15 (1) 3*5+7 (1)"),
        // By another way than the answer's.
        (&[1, 2, 3], 6, "1+2=3 3+3=6;1*2*3", "1+2=3 (1) 3+3=6 (1)"),
        (&[1, 2, 3], 6, "1+2=3;1*2*3", "1+2=3 (1) 1*2*3 (1)"),
        // Over a fraction: 8/(3-8/3).
        (
            &[8, 3, 4, 4, 3],
            24,
            "4+4=8;8/(3-(4+4)/3)",
            "4+4=8 (1) 8/(3-(4+4)/3) (3)",
        ),
        // A sign in front is free as long as something is left to do.
        (&[3, 5, 7], 6, "5-7=-2;(7-5)*3", "5-7=-2 (1) 3*(7-5) (1)"),
        (
            &[3, 5, 7],
            6,
            "5-7=-2 -2*3=-6;(7-5)*3",
            "5-7=-2 -2*3=-6 ✖ 3*(7-5) Disagrees",
        ),
    ];
    for (numbers, target, completion, wanted) in cases {
        let problem = asked(&made, numbers, target);
        let reasoning = made.reasoning(&problem, completion, true);
        assert_eq!(told(&reasoning), wanted, "{completion}");
    }
}

#[test]
fn the_target_must_be_within_reach_of_the_operators_that_are_allowed() {
    // From 2 and 8 one comes to 16 by multiplying alone.
    for (operators, wanted) in [
        ("+-*", "5-3=2 (1) 3+5+8 (1)"),
        ("+-", "5-3=2 ✖ 3+5+8 Disagrees"),
    ] {
        let made = task(operators, 9, 99, Layout::Compact);
        let problem = asked(&made, &[3, 5, 8], 16);
        let reasoning = made.reasoning(&problem, "5-3=2;3+5+8", true);
        assert_eq!(told(&reasoning), wanted, "{operators}");
    }
}

#[test]
fn a_number_and_its_opposite_are_told_apart() {
    let made = task("+-*", 9, 99, Layout::Compact);
    for (target, completion, wanted) in [
        // The −2 at hand is no 2.
        (6, "5-7=-2 2*3=6;(7-5)*3", "5-7=-2 ✖ 2*3=6 NotAtHand"),
        (5, "3-5=-2 2+7=9;3-5+7", "3-5=-2 ✖ 2+7=9 NotAtHand"),
        // But it may be subtracted as 2, or be written first or in brackets.
        (5, "3-5=-2 7-2=5;3-5+7", "3-5=-2 (1) 7-2=5 (1)"),
        (5, "3-5=-2 -2+7=5;3-5+7", "3-5=-2 (1) 7-2=5 (1)"),
        (5, "3-5=-2 7+(-2)=5;3-5+7", "3-5=-2 (1) 7-2=5 (1)"),
        // Taken away it is added.
        (9, "3-5=-2 7-(-2)=9;7-(3-5)", "3-5=-2 (1) 2+7=9 (1)"),
        (
            14,
            "3-5=-2 7*-2=-14;(5-3)*7",
            "3-5=-2 -2*7=-14 ✖ (5-3)*7 Disagrees",
        ),
        (6, "7-5=2 2*3=6;(7-5)*3", "7-5=2 (1) 2*3=6 (1)"),
    ] {
        let problem = asked(&made, &[3, 5, 7], target);
        let reasoning = made.reasoning(&problem, completion, true);
        assert_eq!(told(&reasoning), wanted, "{completion}");
    }
    // Both at hand: the 5 that can be nothing else is taken first.
    let problem = asked(&made, &[3, 5, 2, 7], 3);
    let reasoning = made.reasoning(&problem, "2-7=-5 3-5+5=3;3+5+2-7", true);
    assert_eq!(told(&reasoning), "2-7=-5 (1) 3+5-5=3 (2)");
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
