use std::collections::BTreeSet;

use super::quickstart;
use crate::app::rooms::configure::draft::{Draft, bases};
use crate::app::rooms::configure::fields::{BASIC, FormField, field_at, form, form_sections};
use crate::app::rooms::configure::value::{Kind, stepped};
use crate::config::{RunConfig, fields};

#[test]
fn every_field_is_in_the_form_and_comes_back_as_it_was() {
    let paths: Vec<String> = fields().into_iter().map(|field| field.path).collect();
    let formed: Vec<&str> = form().iter().map(|field| field.path()).collect();
    assert_eq!(formed, paths, "a type has no widget");
    let in_sections = form_sections().iter().flat_map(|section| &section.fields);
    let in_sections: BTreeSet<&str> = in_sections.map(|field| field.path()).collect();
    assert_eq!(
        in_sections.len(),
        paths.len(),
        "a field stands in no section"
    );

    // With nothing but the texts of the form, each configuration is made anew from the defaults.
    for base in bases() {
        let draft = Draft::from_preset(base.preset.file);
        let overrides: Vec<String> = form()
            .iter()
            .filter(|field| !field.optional)
            .map(|field| {
                let text = field.kind.as_override(draft.text(field.path()));
                format!("{}={text}", field.path())
            })
            .collect();
        let again = RunConfig::from_toml("", "", &overrides).unwrap();
        assert_eq!(again, base.preset.config, "{}", base.preset.file);
    }
}

#[test]
fn the_fields_have_names_kinds_and_units() {
    let of = |path: &str| field_at(path).unwrap();
    let described = |path: &str| (of(path).label.as_str(), of(path).kind, of(path).unit);
    assert_eq!(described("max_steps"), ("Max steps", Kind::Whole, "steps"));
    let generations = ("Number of generations", Kind::Whole, "per problem");
    assert_eq!(described("grpo.num_generations"), generations);
    let rate = ("SFT learning rate", Kind::Number, "");
    assert_eq!(described("sft.learning_rate"), rate);
    assert_eq!(
        described("balance.d_cap"),
        ("D cap", Kind::Number, "nats per token")
    );
    assert_eq!(
        described("grpo.reward_weights"),
        ("Reward weights", Kind::Table, "")
    );
    assert_eq!(described("curriculum.levels").1, Kind::Pair);
    assert_eq!(described("base.levels").1, Kind::Wholes);
    assert_eq!(described("task.files.train").1, Kind::Texts);
    assert_eq!(described("name").1, Kind::Text);
    assert_eq!(described("balance.method").1, Kind::Choice);
    assert!(of("balance.kl_origin").optional && !of("balance.origin").optional);
    let names: BTreeSet<String> = form().iter().map(|field| field.name()).collect();
    assert_eq!(names.len(), form().len(), "two fields have one name");
    let doc = "Completions per problem (G), at least 2.";
    assert_eq!(of("grpo.num_generations").doc(), doc);
    let doc = "Width of the residual stream. 8 to 16384; default 64.";
    assert_eq!(of("model.hidden_size").doc(), doc);
    let code = |field: &&_| FormField::doc(field).contains("..");
    assert_eq!(form().iter().filter(code).count(), 0, "a range as code");
    assert!(
        of("grpo.num_generations")
            .facts()
            .contains("from 2 to 4096. Default: 8; adv")
    );
}

#[test]
fn what_is_basic_exists_and_stands_once() {
    let basic: Vec<&str> = BASIC
        .iter()
        .flat_map(|(_, paths)| *paths)
        .copied()
        .collect();
    let distinct: BTreeSet<&str> = basic.iter().copied().collect();
    assert_eq!(distinct.len(), basic.len());
    assert!(
        basic
            .iter()
            .all(|path| field_at(path).is_some_and(|field| field.path() == *path))
    );
    assert_eq!(
        form().iter().filter(|field| field.basic).count(),
        basic.len()
    );
}

#[test]
fn a_search_looks_at_paths_names_and_documentation() {
    let found = |search: &str| -> Vec<&str> {
        let all = form().iter().filter(|field| field.matches(search));
        all.map(|field| field.path()).collect()
    };
    assert_eq!(found("Group_Size"), ["grpo.num_generations"]);
    assert!(found("demonstrations batch").contains(&"sft.batch_size"));
    assert!(found("gspo").is_empty() && found("half a cosine").contains(&"balance.method"));
    assert_eq!(found("  ").len(), form().len());
}

#[test]
fn keys_move_a_number_by_what_matters_and_stay_in_range() {
    let fine = |kind, text, steps| stepped(kind, text, steps, false);
    assert_eq!(fine(Kind::Whole, "1600", 1).as_deref(), Some("1700"));
    assert_eq!(fine(Kind::Whole, "8", -1).as_deref(), Some("7"));
    assert_eq!(fine(Kind::Whole, "0", -1), None);
    assert_eq!(stepped(Kind::Whole, "64", 2, true).as_deref(), Some("80"));
    assert_eq!(fine(Kind::Number, "1e-3", 1).as_deref(), Some("0.0011"));
    assert_eq!(fine(Kind::Number, "0.3", -3).as_deref(), Some("0.27"));
    assert_eq!(fine(Kind::Number, "0", 1).as_deref(), Some("0.01"));
    assert_eq!(fine(Kind::Number, "2e-6", 1).as_deref(), Some("2.1e-6"));
    assert_eq!(fine(Kind::Number, "five", 1), None);
    let mut draft = quickstart(&[("grpo.num_generations", "2"), ("grpo.top_p", "0.99")]);
    draft.step("grpo.num_generations", -1, false);
    draft.step("grpo.top_p", 5, false);
    assert_eq!(
        (draft.text("grpo.num_generations"), draft.text("grpo.top_p")),
        ("2", "0.99")
    );
    draft.step("grpo.num_generations", 1, false);
    draft.step("grpo.top_p", 1, false);
    assert_eq!(
        (draft.text("grpo.num_generations"), draft.text("grpo.top_p")),
        ("3", "1.0")
    );
    // Whatever is wrong elsewhere, and out of a value that is wrong itself.
    let mut draft = quickstart(&[("seed", "x"), ("shards", "70")]);
    draft.step("shards", -1, false);
    assert_eq!(draft.text("shards"), "69");
}
