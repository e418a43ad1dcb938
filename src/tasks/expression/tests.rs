use super::*;

fn parsed(text: &str) -> Expression {
    Expression::parse(text).unwrap_or_else(|| panic!("{text} is an expression"))
}

fn value(text: &str) -> Option<i64> {
    parsed(text).value()?.as_integer()
}

#[test]
fn values_follow_precedence_and_are_exact() {
    assert_eq!(value("3+4-9+2"), Some(0));
    assert_eq!(value("2+3*4"), Some(14));
    assert_eq!(value("(2+3)*4"), Some(20));
    assert_eq!(value("-5*3"), Some(-15));
    assert_eq!(value("3*-5"), Some(-15));
    assert_eq!(value("2-(4-9)"), Some(7));
    assert_eq!(value("1/3*3"), Some(1));
    assert_eq!(value("8/(3-8/3)"), Some(24));
    assert_eq!(value(" ( 2 + 3 ) * 4 "), Some(20));
}

#[test]
fn what_has_no_whole_value_has_none() {
    assert_eq!(value("1/2"), None);
    assert_eq!(parsed("1/(2-2)").value(), None);
    let huge = ["999999999999999999"; 3].join("*");
    assert_eq!(parsed(&huge).value(), None);
    assert_eq!(parsed(&huge).magnitude(), None);
}

#[test]
fn other_text_is_no_expression() {
    for text in [
        "", "+", "1+", "1 2", "(1", "1)", "()", "1=1", "x", "1.5", "1**2", "é", "-", "2+(-)",
    ] {
        assert_eq!(Expression::parse(text), None, "{text:?}");
    }
    assert_eq!(Expression::parse(&"(".repeat(100_000)), None);
    assert_eq!(Expression::parse(&"9".repeat(40)), None);
}

#[test]
fn any_two_neighbours_of_a_chain_may_be_joined() {
    let lines: Vec<String> = parsed("7-9+2")
        .reductions()
        .iter()
        .map(Expression::to_string)
        .collect();
    assert_eq!(lines, ["-2+2", "7-7"]);
    let lines: Vec<String> = parsed("5-2+2")
        .reductions()
        .iter()
        .map(Expression::to_string)
        .collect();
    assert_eq!(lines, ["3+2", "5+0"]);
}

#[test]
fn precedence_decides_what_is_ready() {
    let lines = |text: &str| -> Vec<String> {
        parsed(text)
            .reductions()
            .iter()
            .map(Expression::to_string)
            .collect()
    };
    assert_eq!(lines("2+3*4"), ["2+12"]);
    assert_eq!(lines("1+2+3*4*5"), ["3+3*4*5", "1+2+12*5", "1+2+3*20"]);
    assert_eq!(lines("3*(4-9)"), ["3*(-5)"]);
    assert_eq!(lines("3*(-5)"), ["-15"]);
    assert_eq!(lines("2-(4-9)"), ["2-(-5)"]);
    assert_eq!(lines("2-(-5)"), ["7"]);
    assert!(lines("7").is_empty());
}

#[test]
fn reductions_keep_the_value() {
    for text in [
        "3+4-9+2",
        "2-(4-9)*3+(1-2)*(3-5)",
        "0*7-8*(3-3)",
        "((1-2)-3)*(4*(5-6))",
    ] {
        for reduced in parsed(text).reductions() {
            assert_eq!(reduced.value(), parsed(text).value(), "{text} -> {reduced}");
            assert_eq!(
                value(&reduced.to_string()),
                value(text),
                "{text} -> {reduced}"
            );
        }
    }
}

#[test]
fn canonical_texts_ignore_order_and_needless_parentheses() {
    let same = |one: &str, other: &str| parsed(one).canonical() == parsed(other).canonical();
    assert!(same("7+3*5", "(5*3)+7"));
    assert!(same("9-(5-3)", "3+9-5"));
    assert!(same("8/(4/2)", "2*8/4"));
    assert!(same("2-5", "-5+2"));
    assert!(same("3*(4-9)", "(-9+4)*3"));
    assert!(!same("7-3", "3-7"));
    assert!(!same("8/4", "4/8"));
    assert!(!same("(1+2)*3", "1+2*3"));
}

#[test]
fn signs_may_be_written_in_two_places() {
    let same = |one: &str, other: &str| {
        parsed(one).with_signs_in_front() == parsed(other).with_signs_in_front()
    };
    assert!(same("2+(-5)", "2-5"));
    assert!(same("3*(-5)", "-3*5"));
    // A product with a zero has no sign.
    assert!(same("0*(-7)", "0*7"));
    assert!(same("1-0*(-7)", "1+0*7"));
    assert!(!same("2-5", "-5+2"));
}

#[test]
fn the_signs_of_print_and_of_tex_are_read_as_the_plain_ones() {
    for (written, plain) in [
        ("3×4", "3*4"),
        ("3·4", "3*4"),
        (r"3 \times 4", "3*4"),
        (r"$3\cdot4$", "3*4"),
        ("8÷2", "8/2"),
        (r"8\div 2", "8/2"),
        ("7−2", "7-2"),
        ("–5", "-5"),
        (r"\left(1+2\right)", "(1+2)"),
        (r"\(1+2\)", "1+2"),
        ("（1＋2）＊3", "(1+2)*3"),
    ] {
        assert_eq!(parsed(written), parsed(plain), "{written}");
    }
    for text in [r"3\star4", r"\frac{1}{2}", "3 x 4", "3⊗4"] {
        assert_eq!(Expression::parse(text), None, "{text}");
    }
}

#[test]
fn prose_has_two_letters_side_by_side() {
    for prose in ["3+4 is 7", "übrig", r"3 \alpha 4"] {
        assert!(Expression::is_prose(prose), "{prose}");
    }
    for signs in ["3*x=4; 5", "", "a b", r"3 \times 5 = 15", "3×5"] {
        assert!(!Expression::is_prose(signs), "{signs}");
    }
}
