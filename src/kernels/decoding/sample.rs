//! The choice of the next token of every row.

use crate::kernels::wgpu::{GpuTensor, Launch, Shader, dims, shader};

static SAMPLE: Shader = shader!("sample");

/// How tokens are chosen, in the numbers of `sample.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Choice {
    /// 1 / T.
    pub inverse: f32,
    pub greedy: bool,
    /// 0 keeps all.
    pub top_k: usize,
    /// 1 keeps all.
    pub top_p: f32,
    /// ln of min p; −∞ keeps all.
    pub min_p: f32,
}

/// Where [`choose`] reads and writes.
pub(crate) struct Desk<'a> {
    /// [vocabulary, hidden].
    pub embed: &'a GpuTensor,
    /// Tokens that end a completion; one at least is there, of which `stop_count` count.
    pub stops: &'a GpuTensor,
    pub stop_count: usize,
    /// [.., [`super::ROW`]], changed.
    pub state: &'a GpuTensor,
    /// [tokens, rows, 2], written at one token.
    pub chosen: &'a GpuTensor,
    /// From [`super::buffer`]: receives the embedding of each row's token.
    pub hidden: &'a GpuTensor,
}

/// Chooses token `token` of the completions of the first `rows` rows from their logits: [..,
/// vocabulary], and writes it at `place` of the chosen ones.
pub(crate) fn choose(
    logits: &GpuTensor,
    desk: &Desk,
    choice: &Choice,
    [rows, token, place]: [usize; 3],
) {
    let vocabulary = dims(logits)[1];
    Launch::new(&SAMPLE)
        .constant("VOCAB", vocabulary)
        .constant("HIDDEN", dims(desk.embed)[1])
        .constant("STRIDE", dims(desk.hidden)[1])
        .constant("WORKERS", if vocabulary > 1024 { 256 } else { 64 })
        .input(logits)
        .input(desk.embed)
        .input(desk.stops)
        .changed(desk.state)
        .changed(desk.chosen)
        .changed(desk.hidden)
        .number(rows)
        .number(token)
        .number(place)
        .number(desk.stop_count)
        .real(choice.inverse)
        .number(usize::from(choice.greedy))
        .number(choice.top_k)
        .real(choice.top_p)
        .real(choice.min_p.max(f32::MIN))
        .dispatch(rows);
}
