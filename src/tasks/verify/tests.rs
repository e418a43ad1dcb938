use super::*;

fn decimal(text: &str) -> Option<String> {
    Number::parse(text).map(|number| number.to_string())
}

#[test]
fn equal_numbers_have_equal_text() {
    for (text, lowest) in [
        ("72", "72"),
        ("72.0", "72"),
        ("072", "72"),
        ("1,000", "1000"),
        ("$1,234,567.50", "1234567.5"),
        ("-$5", "-5"),
        ("−5", "-5"),
        ("+5", "5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-0.0", "0"),
        ("0", "0"),
        (" 25% ", "25"),
        ("100000000000000000000000001", "100000000000000000000000001"),
        ("1e5", "100000"),
        ("3/4", "0.75"),
        ("2/6", "1/3"),
        ("-7/7", "-1"),
        ("1/64", "0.015625"),
    ] {
        assert_eq!(decimal(text).as_deref(), Some(lowest), "{text}");
    }
    for text in [
        "", ".", "-", "1.2.3", "1 2", "x", "--1", "٣", "1/0", "5 m", "so 5",
    ] {
        assert_eq!(decimal(text), None, "{text}");
    }
}

#[test]
fn numbers_of_programs_are_read_with_their_exponents() {
    for (text, number) in [
        ("1e20", Some("100000000000000000000")),
        ("1.5E+3", Some("1500")),
        ("-2.50e-1", Some("-0.25")),
        ("0e999", Some("0")),
        ("12.0", Some("12")),
        ("1e401", None),
        ("1e-401", None),
        ("1e-9223372036854775808", None),
        ("1e9223372036854775807", None),
        ("0e-9223372036854775808", Some("0")),
        ("NaN", None),
        ("inf", None),
        ("", None),
        ("-", None),
        ("1e", None),
        ("1 2", None),
    ] {
        let read = Number::plain(text).map(|number| number.to_string());
        assert_eq!(read.as_deref(), number, "{text}");
    }
}

#[test]
fn the_last_box_is_found_with_its_braces_matched() {
    for (text, content) in [
        (r"so $\boxed{7}$.", Some("7")),
        (
            r"$\boxed{1}$ then $\boxed{\frac{1}{2}}$",
            Some(r"\frac{1}{2}"),
        ),
        (r"$\fbox{3}$", Some("3")),
        (r"$\fbox{3}$ and $\boxed{4}$", Some("4")),
        (r"$\boxed 8$ done", Some("8")),
        (r"$\boxed {8}$ done", Some("8")),
        (r"\boxed{a{b}", None),
        (r"\boxed", None),
        (r"\boxedx", None),
        ("7", None),
    ] {
        assert_eq!(last_boxed(text), content, "{text}");
    }
}

#[test]
fn mathematical_answers_that_differ_in_writing_agree() {
    for (one, other) in [
        (r"\tfrac{1}{2}", r"\dfrac12"),
        ("1/2", r"\frac{1}{2}"),
        ("0.5", r"\frac{1}{2}"),
        (".25", "0.25"),
        (r"\frac1{72}", r"\frac{1}{72}"),
        (r"\sqrt3", r"\sqrt{3}"),
        (r"\left(3, 4\right)", "(3,4)"),
        (r"90^\circ", "90"),
        (r"90^{\circ}", "90"),
        (r"\$5", "5"),
        (r"50\%", "50"),
        (r"10\text{ cm}", "10"),
        ("x=5", "5"),
        (r"10,\!000", "10,000"),
        ("a + b", "a+b"),
        ("{.5}", "{0.5}"),
    ] {
        assert_eq!(
            normalise_math(one),
            normalise_math(other),
            "{one} and {other}"
        );
    }
}

#[test]
fn mathematical_answers_that_differ_in_value_do_not_agree() {
    for (one, other) in [
        (r"\frac{1}{2}", r"\frac{2}{1}"),
        ("abc=5", "5"),
        ("x=y=5", "5"),
        ("1/2/3", r"\frac{1}{2}/3"),
        (r"\sqrt{3}", "3"),
        ("(3,4)", "(4,3)"),
    ] {
        assert_ne!(
            normalise_math(one),
            normalise_math(other),
            "{one} and {other}"
        );
    }
    // Incomplete commands stay as they are.
    assert_eq!(normalise_math(r"\frac"), r"\frac");
    assert_eq!(normalise_math(r"\frac1"), r"\frac1");
    assert_eq!(normalise_math(r"\sqrt"), r"\sqrt");
}

#[test]
fn a_choice_is_its_letter_or_its_text() {
    for (text, choice) in [
        ("B", "B"),
        ("b", "B"),
        ("(c)", "C"),
        ("D.", "D"),
        ("B) Paris", "B"),
        ("The answer is (B).", "B"),
        ("Answer: C", "C"),
        ("I first thought the answer is A, but the answer is D", "D"),
        ("A   Cat.", "a cat"),
        ("Paris", "paris"),
        ("(B) A or not", "B"),
        ("The answer is B, a noble gas.", "B"),
        ("B. and a dog", "B"),
    ] {
        assert_eq!(
            normal_form(Verifier::Choice, text).as_deref(),
            Some(choice),
            "{text}"
        );
    }
}

#[test]
fn several_letters_are_no_choice() {
    for text in [
        "A or B",
        "(A) or (B)",
        "A, B",
        "The answer is A or B",
        "A) and C)",
        "(B) or (c)",
        "b) or c)",
        "The answer is B or C.",
        "The answer is B, C",
        "Answer: B and/or D",
        "b/c",
    ] {
        assert_eq!(
            normal_form(Verifier::Choice, text).filter(|choice| choice.len() == 1),
            None,
            "{text}"
        );
    }
}

#[test]
fn a_pattern_must_match_the_whole_answer() {
    assert!(agrees(Verifier::Regex, "a+|b", "aaa"));
    assert!(agrees(Verifier::Regex, "a+|b", "b"));
    assert!(!agrees(Verifier::Regex, "a+|b", "ab"));
    assert!(!agrees(Verifier::Regex, "a)|(b", "a"));
    assert!(whole_match("a)|(b").is_err());
}

#[test]
fn the_marked_answer_is_read_before_anything_else() {
    assert_eq!(
        read(Verifier::Number, "1 <answer>2</answer> 3").as_deref(),
        Some("2")
    );
    assert_eq!(
        read(Verifier::Number, "1\n#### 2 \n3").as_deref(),
        Some("2")
    );
    assert_eq!(
        read(Verifier::Number, r"1 \boxed{2} 3").as_deref(),
        Some("2")
    );
    assert_eq!(read(Verifier::Number, "1; 2; 3").as_deref(), Some("3"));
    assert_eq!(read(Verifier::Number, "1 2 3"), None);
    assert_eq!(read(Verifier::Exact, " a \n b ").as_deref(), Some("a b"));
    assert_eq!(
        read(Verifier::Boxed, r"so \boxed{ 1/2 }").as_deref(),
        Some(r"\frac{1}{2}")
    );
    assert_eq!(read(Verifier::Boxed, "so 1/2"), None);
    assert_eq!(read(Verifier::Exact, "  "), None);
    assert_eq!(marked(Verifier::Exact, "#### \n5"), None);
}

#[test]
fn a_mark_that_holds_no_answer_of_the_kind_hides_no_other() {
    let headings = "#### Step 1\nAdd.\n#### Step 2\nSo it is \\boxed{14}.";
    for verifier in [
        Verifier::Boxed,
        Verifier::Number,
        Verifier::Exact,
        Verifier::Choice,
    ] {
        assert_eq!(
            read(verifier, headings).as_deref(),
            Some("14"),
            "{verifier:?}"
        );
    }
    for (verifier, text, answer) in [
        // The box belongs to its verifier, whatever stands in front of it or behind.
        (Verifier::Boxed, "\\boxed{14}\n#### Check\nfine", Some("14")),
        (Verifier::Boxed, "\\boxed{14}\n#### 15", Some("14")),
        (Verifier::Boxed, "So.\n#### 1/2", Some(r"\frac{1}{2}")),
        (
            Verifier::Boxed,
            "<think>\\boxed{3}?</think><answer>5</answer>",
            Some("5"),
        ),
        (
            Verifier::Boxed,
            "<think>\\boxed{3}?</think><answer>\\boxed{5}</answer>",
            Some("5"),
        ),
        (Verifier::Boxed, "<think>\\boxed{3}", Some("3")),
        // A number stands right behind the marks.
        (
            Verifier::Number,
            "#### 72\n#### Checking step 2",
            Some("72"),
        ),
        (
            Verifier::Number,
            "#### 2. Add them\nis \\boxed{7}",
            Some("7"),
        ),
        // A heading with a number is one where the answer comes in a box.
        (
            Verifier::Number,
            "#### 1 Read\nso\n#### 2 - Add them\nis $\\boxed{14}$.",
            Some("14"),
        ),
        (Verifier::Number, "#### 2 Add them\n\\boxed{3 to 4}", None),
        (Verifier::Number, "\\boxed{3} and\n#### 72", Some("72")),
        (Verifier::Number, "#### \\boxed{72}\n", Some("72")),
        (Verifier::Number, "#### 72\nQED, in a \\box{}", Some("72")),
        (
            Verifier::Number,
            "#### 10 apples for 3 children",
            Some("10"),
        ),
        (Verifier::Number, "1\n#### 3 to 4", None),
        (Verifier::Number, "##### 5\nso 6", Some("6")),
        // Any other answer stands on the last line.
        (
            Verifier::Exact,
            "#### First\nthen\n#### New York\n",
            Some("New York"),
        ),
        (Verifier::Exact, "#### First\nthen \\boxed{x}", Some("x")),
        (
            Verifier::Choice,
            "#### Options\nthe answer is (B).",
            Some("B"),
        ),
    ] {
        assert_eq!(
            read(verifier, text).as_deref(),
            answer,
            "{verifier:?} {text}"
        );
    }
    assert_eq!(marked_answer(headings), Some("14"));
    assert_eq!(marked_answer("#### 72\nmore"), Some("72"));
    assert_eq!(marked_answer("#### 2 Add\n\\boxed{14}"), Some("14"));
    assert_eq!(marked_answer("#### yes"), Some("yes"));
    assert_eq!(marked_answer("no mark"), None);
}

#[test]
fn the_cut_off_line_of_an_unfinished_completion_is_not_read() {
    assert_eq!(whole_lines("a\n#### 7", true), "a\n#### 7");
    assert_eq!(whole_lines("a\n#### 7", false), "a");
    assert_eq!(whole_lines("a\n#### 72\n", false), "a\n#### 72");
    assert_eq!(whole_lines("#### 7", false), "");
    assert_eq!(whole_lines(r"\boxed{7}", false), r"\boxed{7}");
    assert_eq!(
        whole_lines("<answer>7</answer>", false),
        "<answer>7</answer>"
    );
}

#[test]
fn format_counts_in_the_layout_with_tags_only() {
    let text = "<think>a</think><answer>b</answer>";
    assert_eq!(reward(Layout::Compact, text, true).total, 1.0);
    assert_eq!(reward(Layout::Tags, text, true).total, 1.1);
    assert_eq!(reward(Layout::Tags, text, false).total, 0.1);
    assert_eq!(reward(Layout::Tags, "b", false).total, 0.0);
    let names = |reward: Reward| {
        reward
            .parts
            .into_iter()
            .map(|(name, _)| name)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(reward(Layout::Tags, "b", false)),
        ["format", "answer"]
    );
    assert_eq!(names(reward(Layout::Compact, "b", false)), ["answer"]);
}
