use super::*;
use crate::evaluation::metrics::TextMetric;
use crate::training::Setup;

fn setup(set: &[&str]) -> Setup {
    let text = "[model]\nhidden_size = 16\n[curriculum]\nlevels = [1, 2]\nstart = 1\n\
                [evaluation]\nproblems = 6\nunseen_levels = [3]";
    Setup::of_text(text, set)
}

#[test]
fn metrics_see_a_completion_without_the_token_that_ended_it() {
    let setup = setup(&[]);
    let eos = setup.text.eos();
    let study = Study::new(&setup.config, setup.task.clone(), setup.text.clone());
    let problem = setup.task.problem(Split::Test, 1, 0);
    let words = setup.text.encode("1+2").expect("in the vocabulary");
    let completion = |finished: bool| Completion {
        tokens: words
            .iter()
            .copied()
            .chain(finished.then_some(eos))
            .collect(),
        logps: vec![0.0; words.len() + usize::from(finished)],
        finished,
    };
    let samples = [true, false].map(|finished| study.sample(&problem, &completion(finished)));
    assert_eq!(samples[0].tokens, words);
    assert_eq!(samples[0].tokens, samples[1].tokens);
    // Three tokens have two pairs; with the end token in it there would be one that no text has.
    let distinct = TextMetric::ALL.map(|metric| metric.of(&samples, setup.text.vocabulary()));
    let twice = [samples[1].clone(), samples[1].clone()];
    assert_eq!(
        distinct,
        TextMetric::ALL.map(|metric| metric.of(&twice, setup.text.vocabulary()))
    );
}

#[test]
fn a_test_is_known_by_its_problems_and_by_nothing_else() {
    let set = |set: &[&str]| {
        let setup = setup(set);
        Examination::test_set(&setup.config, setup.task.as_ref())
    };
    let plain = set(&[]);
    assert!(!plain.seen.is_empty() && !plain.unseen.is_empty());
    assert!(!plain.perturbations.is_empty());
    // How they are taught, sampled and balanced, and the run's own seed, are no other problems.
    let alike = [
        "seed=5",
        "task.demonstrations=10",
        "evaluation.samples=2",
        "balance.method=\"sft\"",
    ];
    assert_eq!(set(&alike), plain);
    let more = set(&["evaluation.problems=7"]);
    assert!(more.seen != plain.seen && more.unseen != plain.unseen);
    assert_ne!(more.perturbations, plain.perturbations);
    let other = set(&["task.seed=1"]);
    assert!(other.seen != plain.seen && other.perturbations != plain.perturbations);
    let levels = set(&["evaluation.unseen_levels=[4]"]);
    assert!(levels.seen == plain.seen && levels.unseen != plain.unseen);
}
