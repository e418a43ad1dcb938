//! Sequences of different lengths as one right-padded block of tokens.

use super::Example;

/// Rows padded on the right to one length, and where their completions are. Attention is causal,
/// so padding at the end changes nothing before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Tokens row after row: [rows · width].
    pub ids: Vec<u32>,
    pub rows: usize,
    pub width: usize,
    /// For every completion token, row by row: the position (in `ids`) whose state predicts it …
    pub positions: Vec<usize>,
    /// … and the token itself.
    pub targets: Vec<usize>,
    /// Completion tokens of each row.
    pub lengths: Vec<usize>,
}

impl Batch {
    /// Puts examples together, filling up with `pad`.
    pub fn new<'a>(examples: impl IntoIterator<Item = &'a Example>, pad: u32) -> Self {
        let examples: Vec<&Example> = examples.into_iter().collect();
        let width = examples
            .iter()
            .map(|example| example.ids.len())
            .max()
            .unwrap_or(0);
        let mut batch = Self {
            rows: examples.len(),
            width,
            ..Self::default()
        };
        for (row, example) in examples.iter().enumerate() {
            let start = row * width;
            batch.ids.extend(&example.ids);
            batch.ids.resize(start + width, pad);
            // The first token of a sequence has no state before it to be predicted from.
            let completion = example.prompt.max(1)..example.ids.len();
            batch.lengths.push(completion.len());
            for t in completion {
                batch.positions.push(start + t - 1);
                batch.targets.push(example.ids[t] as usize);
            }
        }
        batch
    }
}

/// Splits `items` into at most `parts` lists of about equal length sums: longest first, dealt back
/// and forth; within a part long and short stay together, so that little is padding. Every part is
/// non-empty. Depends on nothing but the lengths and their order.
pub fn deal<T>(items: Vec<T>, parts: usize, length: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    let mut items = items;
    items.sort_by_key(|item| std::cmp::Reverse(length(item)));
    let parts = parts.min(items.len()).max(1);
    let mut dealt: Vec<Vec<T>> = (0..parts).map(|_| Vec::new()).collect();
    for (index, item) in items.into_iter().enumerate() {
        let (round, place) = (index / parts, index % parts);
        dealt[if round % 2 == 0 {
            place
        } else {
            parts - 1 - place
        }]
        .push(item);
    }
    dealt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completion_tokens_are_predicted_from_the_position_before() {
        let examples = [
            Example {
                ids: vec![5, 6, 7, 8],
                prompt: 2,
            },
            Example {
                ids: vec![9, 4],
                prompt: 1,
            },
            Example {
                ids: vec![3, 2],
                prompt: 0,
            },
        ];
        let batch = Batch::new(&examples, 0);
        assert_eq!(batch.ids, [5, 6, 7, 8, 9, 4, 0, 0, 3, 2, 0, 0]);
        assert_eq!(batch.lengths, [2, 1, 1]);
        assert_eq!(batch.positions, [1, 2, 4, 8]);
        assert_eq!(batch.targets, [7, 8, 4, 2]);
    }

    #[test]
    fn dealing_keeps_every_item_and_balances_lengths() {
        for parts in 1..=5 {
            let items: Vec<usize> = (0..23).map(|i| (i * 7) % 11 + 1).collect();
            let dealt = deal(items.clone(), parts, |&item| item);
            let sums: Vec<usize> = dealt.iter().map(|part| part.iter().sum()).collect();
            let spread = sums.iter().max().unwrap() - sums.iter().min().unwrap();
            assert!(spread <= 11, "{sums:?}");
            let mut all: Vec<usize> = dealt.into_iter().flatten().collect();
            let mut items = items;
            all.sort_unstable();
            items.sort_unstable();
            assert_eq!(all, items);
        }
        assert_eq!(deal(vec![1], 4, |&item| item), [[1]]);
    }
}
