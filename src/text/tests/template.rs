//! What chat templates expect of their engine.

use std::collections::BTreeMap;

use crate::text::{ChatTemplate, Message, TextError};

fn render(source: &str, messages: &[Message]) -> Result<String, TextError> {
    let special = BTreeMap::from([("eos_token".to_owned(), "</s>".to_owned())]);
    ChatTemplate::new(source, special)?.render(messages, true)
}

fn rendered(source: &str) -> String {
    render(source, &[Message::new("user", "hi")]).expect("a text")
}

#[test]
fn blocks_leave_no_white_space_and_the_last_line_break_is_dropped() {
    let source = "  {% if true %}\n{{ eos_token }}\n  {% endif %}\nend\n";
    assert_eq!(rendered(source), "</s>\nend");
}

#[test]
fn strings_have_the_methods_of_python() {
    assert_eq!(
        rendered("{{ '\\n a </t> b'.split('</t>')[-1].lstrip() }}"),
        "b"
    );
    assert_eq!(
        rendered("{{ 'xxaxx'.strip('x') ~ 'xay'.rstrip('y') }}"),
        "axa"
    );
    assert_eq!(
        rendered("{{ messages[0].content.startswith('h') }}"),
        "True"
    );
    assert_eq!(
        rendered("{% for k, v in {'a': 1}.items() %}{{ k ~ v }}{% endfor %}"),
        "a1"
    );
}

#[test]
fn namespaces_slices_and_missing_variables_behave_as_in_jinja() {
    let source = "{%- set ns = namespace(n=0) -%}{%- for m in messages[::-1] -%}\
                  {%- set ns.n = ns.n + 1 -%}{%- endfor -%}{{ ns.n }}{{ messages[0].name }}\
                  {{ strftime_now is defined }}{{ tools is none }}";
    assert_eq!(rendered(source), "1FalseTrue");
}

#[test]
fn json_is_written_as_python_writes_it() {
    let source = "{{ {'a': [1, '<é\"'], 'b': none} | tojson }}";
    assert_eq!(rendered(source), r#"{"a": [1, "<é\""], "b": null}"#);
    assert_eq!(rendered("{{ [1] | tojson(indent=4) }}"), "[\n    1\n]");
    assert!(render("{{ 1 | tojson(sorted=true) }}", &[]).is_err());
}

#[test]
fn a_refusal_of_the_template_is_passed_on() {
    let refused = render("{{ raise_exception('roles must alternate') }}", &[]).unwrap_err();
    assert!(
        refused.to_string().contains("roles must alternate"),
        "{refused}"
    );
}

/// A shortened wording of the templates of Llama 3: a date that is only known by a clock, default
/// values, and a system message taken out of the list.
#[test]
fn templates_with_a_clock_fall_back_to_their_fixed_date() {
    let source = "{%- if not date_string is defined %}\n\
        {%- if strftime_now is defined %}\n{%- set date_string = strftime_now('%d %b %Y') %}\n\
        {%- else %}\n{%- set date_string = '26 Jul 2024' %}\n{%- endif %}\n{%- endif %}\n\
        {%- if messages[0]['role'] == 'system' %}\n\
        {%- set system_message = messages[0]['content']|trim %}\n\
        {%- set messages = messages[1:] %}\n{%- endif %}\n\
        {{- date_string + '|' + system_message + '|' + messages[0]['content'] }}\n";
    let messages = [
        Message::new("system", " be brief\n"),
        Message::new("user", "hi"),
    ];
    assert_eq!(
        render(source, &messages).unwrap(),
        "26 Jul 2024|be brief|hi"
    );
}
