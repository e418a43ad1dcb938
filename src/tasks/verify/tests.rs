use super::*;

fn decimal(text: &str) -> Option<String> {
    Decimal::parse(text).map(|number| number.to_string())
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
    ] {
        assert_eq!(decimal(text).as_deref(), Some(lowest), "{text}");
    }
    for text in ["", ".", "-", "1.2.3", "1e5", "1 2", "x", "3/4", "--1", "٣"] {
        assert_eq!(decimal(text), None, "{text}");
    }
}

#[test]
fn the_last_number_of_a_text_is_found_with_its_sign() {
    for (text, found) in [
        ("It is 5, or rather 6.", Some("6")),
        ("= $1,200.50 a day", Some("1200.5")),
        ("7-2", Some("2")),
        ("it is -2", Some("-2")),
        ("-2", Some("-2")),
        ("minus −2.5 m", Some("-2.5")),
        ("(3)-4", Some("4")),
        ("so .5", Some("0.5")),
        ("é12é", Some("12")),
        ("3/4", None),
        ("none", None),
        ("", None),
    ] {
        let number = number::last_number(text).map(|number| number.to_string());
        assert_eq!(number.as_deref(), found, "{text}");
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
    ] {
        assert_eq!(
            normal_form(Verifier::Choice, text).as_deref(),
            Some(choice),
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
    assert_eq!(read(Verifier::Number, "1 2 3").as_deref(), Some("3"));
    assert_eq!(read(Verifier::Exact, " a \n b ").as_deref(), Some("a b"));
    assert_eq!(
        read(Verifier::Boxed, r"so \boxed{ 1/2 }").as_deref(),
        Some(r"\frac{1}{2}")
    );
    assert_eq!(read(Verifier::Boxed, "so 1/2"), None);
    assert_eq!(read(Verifier::Exact, "  "), None);
    assert_eq!(after_hashes("#### \n5"), None);
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
