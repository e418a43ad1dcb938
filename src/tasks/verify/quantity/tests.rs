use super::*;

fn read(text: &str) -> Option<String> {
    last(text).map(|number| number.to_string())
}

fn all_read(cases: &[(&str, &str)]) {
    for (text, number) in cases {
        assert_eq!(read(text).as_deref(), Some(*number), "{text}");
    }
}

fn none_read(texts: &[&str]) {
    for text in texts {
        assert_eq!(read(text), None, "{text}");
    }
}

#[test]
fn the_last_number_of_a_text_is_found() {
    all_read(&[
        ("It is 5, or rather 6.", "6"),
        ("So 3 + 4 = 7", "7"),
        ("x = 5", "5"),
        ("x=5", "5"),
        ("Answer: 72", "72"),
        ("about $1000.0", "1000"),
        ("= $1,200.50 a day", "1200.5"),
        ("Q3: 5", "5"),
        ("(72)", "72"),
        ("{5}", "5"),
        ("**72**", "72"),
        ("The answer is **72**.", "72"),
        ("_72_ `72`", "72"),
        ("<b>72</b>", "72"),
        ("\"72\"", "72"),
        ("is\n72\n", "72"),
        ("> 72", "72"),
        ("12\n34", "34"),
        ("1. 5 apples", "5"),
        ("1) 5 apples", "5"),
        ("Step 5: 3 apples", "3"),
        ("* 5 apples", "5"),
        ("答案是5。", "5"),
        ("答案是5个", "5"),
        ("５", "5"),
        ("１，２３４．５", "1234.5"),
        ("so .5", "0.5"),
        ("left;3", "3"),
        ("No. 5", "5"),
        ("x_1 = 4", "4"),
        ("3 apples and 4 pears", "4"),
        ("-> 5", "5"),
        ("5! ", "5"),
        (r"\(5\)", "5"),
        (r"$5$", "5"),
        (r"\boxed{5}", "5"),
        (r"so \boxed{\text{5}}", "5"),
        ("5...", "5"),
    ]);
    none_read(&["none", "", "x_2", "H2O", "v1.2", "é12é", "٣", "Step2"]);
}

#[test]
fn signs_of_all_kinds_are_the_numbers_own_where_nothing_is_subtracted() {
    all_read(&[
        ("-2", "-2"),
        ("it is -2", "-2"),
        ("it is –5", "-5"),
        ("it is −5", "-5"),
        ("－5", "-5"),
        ("- 5", "-5"),
        ("x = - 5", "-5"),
        ("Answer: - 5", "-5"),
        ("(-5)", "-5"),
        ("(- 5)", "-5"),
        ("-$5", "-5"),
        ("$-5", "-5"),
        ("-€5", "-5"),
        ("+5", "5"),
        ("negative 5", "-5"),
        ("minus 5", "-5"),
        ("so\n-5", "-5"),
        ("-1/2", "-0.5"),
        (r"-\frac{1}{2}", "-0.5"),
        ("-3 1/2", "-3.5"),
        ("Total — 5", "5"),
    ]);
    none_read(&[
        "7-2",
        "7 - 2",
        "7 -2",
        "7 – 2",
        "7−2",
        "(3)-4",
        "x-5",
        "x - 5",
        "the total - 5",
        "a list:\n- 5",
        "--5",
        "- -5",
        "minus −2.5 m",
        "3 minus 5",
        "the total —5",
        "555-1234",
        "2024-01-05",
        "COVID-19",
        "±5",
        "|-5|",
    ]);
}

#[test]
fn thousands_and_decimals_are_read_whole_however_they_are_parted() {
    all_read(&[
        ("1,234", "1234"),
        ("1,234,567", "1234567"),
        ("1 234", "1234"),
        ("1 234 567", "1234567"),
        ("1\u{a0}234", "1234"),
        ("1\u{202f}234,5", "1234.5"),
        ("1'234", "1234"),
        ("1’234.5", "1234.5"),
        ("1_000", "1000"),
        (r"1\,234", "1234"),
        (r"1{,}234", "1234"),
        (r"10,\!000", "10000"),
        ("1.234.567", "1234567"),
        ("1,234.5", "1234.5"),
        ("1.234,5", "1234.5"),
        ("1.234", "1.234"),
        ("072", "72"),
    ]);
    none_read(&[
        "1,2", "12,34", "1,2345", "0,123", "1.2.3", "1.23.456", "1 2", "1 2 3", "100 20",
        "2024 300", "5'3", "1,234 5",
    ]);
}

#[test]
fn exponents_and_powers_of_ten_are_part_of_the_number() {
    all_read(&[
        ("1.5e3", "1500"),
        ("1e5", "100000"),
        ("1E-7", "0.0000001"),
        ("2e+2", "200"),
        ("10^3", "1000"),
        ("10^{3}", "1000"),
        ("10³", "1000"),
        ("10^{-2}", "0.01"),
        ("1.5 × 10^3", "1500"),
        ("1.5 x 10^3", "1500"),
        ("1.5*10^3", "1500"),
        (r"1.5 \times 10^{3}", "1500"),
        (r"-2\cdot10^{-1}", "-0.2"),
        ("1.5×10³ m", "1500"),
    ]);
    // Exponents that no number has room for.
    none_read(&[
        "1e-9223372036854775808",
        "1e9223372036854775807",
        "10^{-9223372036854775808}",
        "2 × 10^{-9223372036854775808}",
        "2 × 10^{9223372036854775807}",
    ]);
    none_read(&[
        "2^5", "2^{10}", "2⁵", "5²", "10^x", "10^10^2", "3 × 10", "0x1F", "1e5x", "1e9999", "3**2",
        "(5)^2",
    ]);
}

#[test]
fn fractions_are_read_whole() {
    all_read(&[
        ("3/4", "0.75"),
        ("3 / 4", "0.75"),
        ("1/3", "1/3"),
        ("4/2", "2"),
        (r"\frac{3}{4}", "0.75"),
        (r"\dfrac{3}{4}", "0.75"),
        (r"\frac34", "0.75"),
        (r"\frac3{4}", "0.75"),
        (r"\frac{-3}{4}", "-0.75"),
        (r"$\frac{1}{3}$", "1/3"),
        ("¾", "0.75"),
        ("⅓", "1/3"),
        ("3 1/2", "3.5"),
        ("1½", "1.5"),
        ("2 ½ cups", "2.5"),
        (r"1\frac12", "1.5"),
        (r"2\frac{1}{3}", "7/3"),
        ("3⁄4", "0.75"),
        ("3/4 of", "0.75"),
    ]);
    none_read(&[
        "3/4/2024",
        "1/0",
        r"\frac{x}{4}",
        r"\frac{3+1}{4}",
        r"\frac{3}",
        r"\frac",
        "3/4x",
        "3 5/2",
        "1/2 + 1",
        "(1+2)/4",
        "x/4",
        r"\frac{1}{2}\pi",
        "1.5.2/4",
    ]);
}

#[test]
fn currency_percent_and_degrees_are_dropped() {
    all_read(&[
        ("$5", "5"),
        ("5$", "5"),
        ("$ 5", "5"),
        ("€5", "5"),
        ("5 €", "5"),
        ("5€.", "5"),
        ("£5.50", "5.5"),
        ("US$5", "5"),
        (r"\$5", "5"),
        ("25%", "25"),
        ("25 %", "25"),
        (r"25\%", "25"),
        ("25 percent", "25"),
        (r"90^\circ", "90"),
        (r"90^{\circ}", "90"),
        ("90°", "90"),
        ("20 °C", "20"),
        ("$5/hour", "5"),
    ]);
    none_read(&["5% of 20", "$5 $3", "$5-$3"]);
}

#[test]
fn what_follows_is_a_unit_unless_it_makes_another_number() {
    all_read(&[
        ("72 clips", "72"),
        ("5 m", "5"),
        ("5m", "5"),
        ("5 m^2", "5"),
        ("5 m²", "5"),
        ("5 m^{2}", "5"),
        (r"5\text{ cm}^2", "5"),
        (r"5\,\mathrm{m}^{2}", "5"),
        ("5 km/h", "5"),
        ("5 m/s^2", "5"),
        ("18 dollars", "18"),
        ("18 dollars a day", "18"),
        ("12-year-old", "12"),
        ("5th", "5"),
        ("1st", "1"),
        ("5 - that is all", "5"),
        ("5: because", "5"),
        ("5, because", "5"),
        ("2 million", "2000000"),
        ("2 Million", "2000000"),
        ("3 thousand dollars", "3000"),
        ("5 hundred", "500"),
        ("2 hundred thousand", "200000"),
        ("1.5 billion", "1500000000"),
        ("5million", "5000000"),
        (r"2 \text{ million}", "2000000"),
        ("1.2k", "1200"),
        ("4bn", "4000000000"),
        ("5 times as many", "5"),
    ]);
    none_read(&[
        "2M",
        "5 M",
        "5K",
        "5B",
        "3 dozen",
        "2 thirds",
        "5 and a half",
        "5 and one half",
        "2 million and a half",
        "5万",
        "2-million",
        "5x",
        "5 x",
        "3y",
        "5 x^2",
        "2i",
        "5e",
        "2π",
        r"2\pi",
        r"5\sqrt{2}",
        "5 + x",
        "5+",
        "5 × n",
        "5 - x",
        "5/x",
        "5(x+1)",
        "5(3)",
        "5 squared",
        "2 halves",
        "3 lakh",
        "5 mod 3",
        "0.333...",
        "0.333…",
        r"0.\overline{3}",
        "5 point 3",
    ]);
}

#[test]
fn compounds_are_not_half_read() {
    none_read(&[
        "1 million 500 thousand",
        "2 thousand 5 hundred",
        "3 hundred 50",
        "3 hundred and 50",
        "2 hundred 50 thousand",
        "5million 3",
        "1.2k 500",
        "2M 500",
        "one million 500 thousand",
        r"1 \text{ million } 500 \text{ thousand}",
        "2 million to 3 million",
        "2 million + 1 million",
        "2 million -5",
        "2 hours 30 minutes",
        "2 hours 30 minutes 15 seconds",
        "2 Hours 30",
        "2h 30m",
        "5 feet 6 inches",
        "5 ft 6",
        r"2\text{ hours }30\text{ minutes}",
        "5' 6\"",
        "5° 30'",
        "5万300",
        "3 dozen 2",
        "3 lakh 50",
        "5 choose 3",
        "Step 2 5 apples",
    ]);
    for text in ["2 hours 30 minutes", "2 million to 3 million"] {
        assert_eq!(leading(text), Leading::Unreadable, "{text}");
        assert_eq!(whole(text), None, "{text}");
    }
    // Sentences, in which a word parts two numbers.
    all_read(&[
        ("in 2020 he had 5", "5"),
        ("question 3 is 5", "5"),
        ("Step 2 gives 14", "14"),
        ("for 3 days he ate 5", "5"),
        ("5 feet. Then 6", "6"),
        ("It takes 3 days: 5", "5"),
        ("2 hours 30 minutes = 150 minutes", "150"),
        ("3 hundred\n50", "50"),
        ("2 million (2,000,000)", "2000000"),
        ("one million (1,000,000)", "1000000"),
        ("2 million people", "2000000"),
    ]);
}

#[test]
fn several_numbers_are_not_one() {
    none_read(&[
        "3 + 4",
        "3+4",
        "2*3",
        "2 * 3",
        "2×3",
        "6÷2",
        r"2\times3",
        "10:30",
        "3 : 4",
        "3 of 4",
        "3 out of 4",
        "3 to 5",
        "3-5",
        "between 3 and 5",
        "3 and 4",
        "3 or 4",
        "3, 4",
        "(3, 4)",
        "3,4",
        "[1, 2]",
        "6 divided by 2",
        "3 times 4",
        "3 x 4",
        "3 by 4",
        "5 > 3",
        "5 = 7-2",
        "1; 2 3",
    ]);
}

#[test]
fn arguments_indices_and_comparisons_are_not_the_number() {
    none_read(&[
        r"\sqrt{16}",
        r"\sqrt 16",
        "√16",
        "sqrt(16)",
        "sqrt 16",
        "f(5)",
        "x^{5}",
        "x^5",
        r"\log_2 8",
        r"\log(5)",
        r"\pi 5",
        "≥ 5",
        "≤5",
        "x > 5",
        "x < 5",
        ">= 5",
        "!= 5",
        "≠5",
        "±5",
        r"\pm 5",
        r"\binom{5}{2}",
        "x^(5)",
        "...5",
        "5分之3",
    ]);
    all_read(&[("x ≈ 5", "5"), (r"x \approx 5", "5"), ("x => 5", "5")]);
}

#[test]
fn the_number_a_text_begins_with_is_read_with_its_neighbours() {
    for (text, number) in [
        ("72", "72"),
        ("$1,234", "1234"),
        ("72.", "72"),
        ("72. ", "72"),
        ("10 apples", "10"),
        ("10 apples for 3 children", "10"),
        ("**72**", "72"),
        (r"\boxed{72}", "72"),
        (r"$\frac{3}{4}$", "0.75"),
        ("- 5", "-5"),
        ("2 million people", "2000000"),
        ("72 (seventy-two)", "72"),
    ] {
        let read = match leading(text) {
            Leading::Number(number) => number.to_string(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(read, number, "{text}");
    }
    for text in [
        "3 to 4", "1,2", "5x", "72 or 73", "7-2", "0x1F", "10 + 3", "٣", "1 2",
    ] {
        assert_eq!(leading(text), Leading::Unreadable, "{text}");
    }
    for text in [
        "",
        "Step 2",
        "Answer: 72",
        "2. Add them",
        "2) Add",
        "2: Add them",
        "1st step",
        "x = 5",
        "x_2",
        "?",
    ] {
        assert_eq!(leading(text), Leading::Nothing, "{text}");
    }
}

#[test]
fn any_text_is_read_without_harm() {
    use rand::seq::IndexedRandom as _;
    let mut random = crate::rng::stream(1, crate::rng::Purpose::Problem, 0, 0);
    let pieces = [
        "1", "23", "456", ".", ",", " ", "\n", "-", "+", "×", "*", "/", "^", "_", "{", "}", "(",
        ")", "$", "%", "\\frac", "\\sqrt", "\\", "½", "²", "x", "million", "and", "e", "–", "—",
        "é", "万", "٣", "<", ">", "=", "'", "\u{a0}", "…", "\\boxed", "10", "#", "|", "~", "\0",
        "𝟙",
    ];
    for length in 0..60 {
        for _ in 0..60 {
            let text: String = (0..length)
                .filter_map(|_| pieces.choose(&mut random).copied())
                .collect();
            last(&text);
            leading(&text);
            whole(&text);
        }
    }
    for text in [
        "\\frac{".repeat(2000),
        "^{".repeat(2000),
        "(".repeat(5000) + "5",
        "5 and ".repeat(3000),
        "0 ".to_owned() + &"million ".repeat(30_000),
        "7 ".to_owned() + &"million ".repeat(30_000),
    ] {
        last(&text);
    }
}
