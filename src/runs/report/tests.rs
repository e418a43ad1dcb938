use super::*;
use crate::config::Method;
use crate::runs::synthetic;
use crate::training::{EvaluationRecord, Phase};

/// Checks that every tag is closed in the right order, and gives back the text between tags.
fn well_formed(html: &str) -> String {
    const VOID: [&str; 2] = ["meta", "br"];
    let html = html
        .strip_prefix("<!DOCTYPE html>")
        .expect("a page begins with its type");
    let mut open: Vec<&str> = Vec::new();
    let mut text = String::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap_or_default();
        assert!(!name.is_empty(), "a tag has a name: <{tag}>");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "<{tag}> closes what is open");
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            assert_eq!(
                tag.matches('"').count() % 2,
                0,
                "attributes are quoted: <{tag}>"
            );
            open.push(name);
            // What is in these is not markup.
            if name == "script" || name == "style" {
                let close = format!("</{name}>");
                rest = &rest[rest.find(&close).expect("a script or style ends")..];
            }
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    text
}

fn needs_nothing_else(html: &str) {
    for reference in ["http:", "https:", "//", "src=", "@import", "url(", "<link"] {
        let found = html.match_indices(reference).find(|(at, _)| {
            // Comments of the script.
            !html[..*at]
                .rsplit('\n')
                .next()
                .unwrap_or_default()
                .trim()
                .is_empty()
                || reference != "//"
        });
        assert_eq!(found, None, "{reference}");
    }
}

#[test]
fn a_run_is_a_well_formed_page_with_its_numbers() {
    let run = synthetic::of(Method::Sasr, 1, 200);
    let html = super::run(&run);
    let text = well_formed(&html);
    needs_nothing_else(&html);
    let finals: Vec<&EvaluationRecord> = run
        .evaluations
        .iter()
        .filter(|r| r.kind == "final" && r.perturbation.is_none() && !r.unseen)
        .collect();
    let right = finals
        .iter()
        .flat_map(|r| &r.correct)
        .filter(|&&right| right)
        .count();
    let accuracy = format!("{:.1}\u{a0}%", 100.0 * right as f64 / 180.0);
    assert!(
        text.contains(&format!("it solved {accuracy} of 180 problems")),
        "{accuracy}"
    );
    for record in &finals {
        assert!(text.contains(&format!("{:.1}\u{a0}%", 100.0 * record.metrics["accuracy"])));
    }
    let first = run
        .steps
        .iter()
        .find(|step| step.phase == Phase::Adaptive)
        .unwrap();
    let sentence = first.decision.as_ref().unwrap().sentence();
    assert!(text.contains(&sentence), "{sentence}");
    for part in [
        "mean@8",
        "pass@8",
        "maj@8",
        "Self-BLEU",
        "renamed",
        "level 4 (never trained on)",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(text.contains("zero variance") && text.contains("82 % of the groups"));
    assert!(
        text.contains("[balance]"),
        "the complete configuration is there"
    );
}

#[test]
fn every_method_has_a_page() {
    let methods = [
        Method::Sasr,
        Method::Sft,
        Method::Grpo,
        Method::Static,
        Method::Periodic,
        Method::Constant,
        Method::Cosine,
    ];
    for method in methods {
        let text = well_formed(&super::run(&synthetic::of(method, 3, 60)));
        assert!(text.contains("The balance"), "{method:?}");
    }
}

#[test]
fn a_run_that_has_just_begun_or_diverged_has_a_page() {
    let mut run = synthetic::of(Method::Sasr, 1, 50);
    run.evaluations.clear();
    run.completions.clear();
    run.steps[30].loss = f64::NAN;
    run.steps[31].grad_norm = f64::INFINITY;
    let text = well_formed(&super::run(&run));
    assert!(text.contains("There is no final test yet."));
    run.steps.truncate(1);
    well_formed(&super::run(&run));
    run.steps.clear();
    assert!(well_formed(&super::run(&run)).contains("no step has been taken yet"));
}

#[test]
fn what_a_model_writes_cannot_become_markup() {
    let attack = "<script>alert(1)</script><img src=x onerror=alert(2)>\" onload='x'";
    let mut run = synthetic::of(Method::Sasr, 1, 60);
    run.name = attack.into();
    run.config.description = attack.into();
    for completion in &mut run.completions {
        completion.completion = attack.into();
        completion.prompt = attack.into();
        completion.answer = attack.into();
        completion.path = Some(attack.into());
    }
    for alarm in &mut run.alarms {
        alarm.message = attack.into();
        alarm.kind = attack.into();
    }
    for record in &mut run.evaluations {
        if record.perturbation.is_some() {
            record.perturbation = Some(attack.into());
        }
        record.metrics.insert(attack.into(), 0.5);
    }
    let html = super::run(&run);
    well_formed(&html);
    assert!(!html.contains("<script>alert") && !html.contains("<img"));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    let other = synthetic::of(Method::Sft, 1, 60);
    let html = comparison(&[run, other]).unwrap();
    well_formed(&html);
    assert!(!html.contains("<script>alert") && !html.contains("<img"));
}

#[test]
fn a_comparison_is_a_well_formed_page_with_its_numbers() {
    let runs: Vec<RunData> = [Method::Sasr, Method::Sft, Method::Grpo]
        .into_iter()
        .flat_map(|method| (1..=2).map(move |seed| synthetic::of(method, seed, 120)))
        .collect();
    let html = comparison(&runs).unwrap();
    let text = well_formed(&html);
    needs_nothing_else(&html);
    let comparison = Comparison::of(&runs).unwrap();
    for group in &comparison.groups {
        let accuracy = format!("{:.1}\u{a0}%", 100.0 * group.numbers["accuracy"].mean);
        assert!(text.contains(&accuracy), "{accuracy}");
        assert!(text.contains(&format!("{}, seed 2", group.label)));
    }
    for difference in &comparison.differences {
        assert!(text.contains(&difference.sentence.replace('\'', "&#39;")));
    }
    assert!(text.contains("balance.method"));
}

#[test]
fn a_comparison_shows_every_run_under_its_own_settings() {
    let variant = |gamma: f64, seed: u64| {
        let mut config = synthetic::config(Method::Sasr, seed, 80);
        config.balance.gamma = gamma;
        // One name for all.
        config.name = "twin".into();
        synthetic::run(config, 0.0)
    };
    let runs = [variant(1.0, 1), variant(4.0, 1), variant(4.0, 2)];
    let text = well_formed(&comparison(&runs).unwrap());
    assert_eq!(text.matches("sasr, seed 1").count(), 1);
    assert_eq!(
        text.matches("sasr (balance.gamma = 4.0), seed 1").count(),
        1
    );
    assert_eq!(
        text.matches("sasr (balance.gamma = 4.0), seed 2").count(),
        1
    );
    assert_eq!(text.matches("sasr, seed 2").count(), 0);
}

#[test]
fn a_hundred_thousand_steps_stay_under_two_megabytes() {
    let mut run = synthetic::of(Method::Sasr, 1, 500);
    let pattern = run.steps.clone();
    run.steps = (0..100_000u64)
        .map(|number| {
            let mut step = pattern[number as usize % pattern.len()].clone();
            step.step = number + 1;
            step
        })
        .collect();
    let html = super::run(&run);
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
    well_formed(&html);
}

#[test]
fn a_methods_colour_is_the_one_of_its_name_whatever_else_is_shown() {
    for method in Method::ALL {
        let other = if method == Method::Sft {
            Method::Grpo
        } else {
            Method::Sft
        };
        let runs = [synthetic::of(method, 1, 40), synthetic::of(other, 1, 40)];
        for runs in [&runs[..1], &runs[..]] {
            let groups = Comparison::of(runs).unwrap().groups;
            let place = groups
                .iter()
                .position(|group| group.method == method)
                .unwrap();
            let (colour, _) = super::overlays::look(&groups, place);
            assert_eq!(colour, format!("m-{}", method.name()));
        }
    }
}
