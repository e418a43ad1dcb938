//! Asking a model: samples, graded where they answer a problem, told token by token.

use super::{Asked, Question, Reply, Ticket};
use crate::app::in_full;
use crate::model::Model;
use crate::rollout::{Limits, Sampling, Token, generate_watched};
use crate::tasks::Split;
use crate::training::{CompletionRecord, Study};

/// Samples an answer to a question, telling every token, as long as `goes_on`.
pub(super) async fn ask(
    ticket: Ticket,
    study: &Study,
    model: &Model,
    question: &Question,
    say: &dyn Fn(Reply),
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<Reply, String> {
    let samples = question.samples.max(1);
    let (problem, request) = match &question.what {
        Asked::Problem { level, index } => {
            let problem = study.task.problem(Split::Test, *level, *index);
            let request = study.request(&problem, samples);
            (Some(problem), request)
        }
        Asked::Text(text) => {
            let request = study
                .text
                .prompt(text)
                .map(|prompt| crate::rollout::Request {
                    problem: crate::rng::fingerprint(text),
                    prompt,
                    samples,
                });
            (None, request.map_err(Into::into))
        }
    };
    let request = request.map_err(|error| in_full(&error))?;
    let room = model.spec.max_position_embeddings;
    if request.prompt.is_empty() || request.prompt.len() >= room {
        return Err(format!(
            "the prompt has {} tokens; the model takes 1 to {}",
            request.prompt.len(),
            room.saturating_sub(1)
        ));
    }
    let limits = Limits {
        max_completion_length: question.max_completion_length.max(1),
        ..study.limits.clone()
    };
    let mut watch = |token: Token| {
        say(Reply::Token {
            ticket,
            sample: token.sample,
            text: study.text.token(token.token),
            probability: token.logp.exp(),
        });
        goes_on()
    };
    let sampling = Sampling::at(question.temperature, question.seed);
    let requests = [request];
    let generated = generate_watched(model, &requests, &sampling, &limits, &mut watch);
    let completions = generated.await.map_err(|error| in_full(&error))?;
    let records: Vec<CompletionRecord> = completions
        .iter()
        .flatten()
        .enumerate()
        .map(|(sample, completion)| match &problem {
            Some(problem) => study.grade(problem, sample, completion),
            None => study.ungraded(sample, completion),
        })
        .collect();
    let prompt = match (&problem, &question.what) {
        (Some(problem), _) => problem.prompt.clone(),
        (None, Asked::Text(text)) => text.clone(),
        (None, Asked::Problem { .. }) => String::new(),
    };
    Ok(Reply::Sampled {
        ticket,
        prompt,
        records,
    })
}
