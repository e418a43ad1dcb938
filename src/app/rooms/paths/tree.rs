//! The tree of the ways that samples take: equal beginnings are one branch.

use std::collections::BTreeMap;

use super::steps::Way;
use crate::tasks::Flaw;
use crate::training::Verdict;

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The problem, where all samples begin.
    Root,
    Step,
    /// The first step that does not hold; what follows is where its samples end.
    Wrong(Flaw),
    /// Where samples end, right or wrong alike.
    End(Verdict),
    /// All samples whose path cannot be read.
    Unread,
}

/// A node with everything that goes through it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub kind: Kind,
    /// The step, or the answer at an end. Steps that were folded into one node stand one a line.
    pub text: String,
    pub parent: Option<usize>,
    pub children: Vec<usize>,
    /// The samples that go through it, rising.
    pub samples: Vec<usize>,
    /// How many of them are right.
    pub right: usize,
    /// Nodes between it and the root, itself included.
    pub depth: usize,
    /// Steps that hold up to it, its own included.
    pub steps: usize,
    /// How many steps of a textbook it does at once, where that is known of a single step.
    pub size: Option<u32>,
}

/// Steps in a row without a branch are folded from this many on: the first and the last are shown,
/// those between become one node. Otherwise long reasoning would be wide and say little.
const FOLDED_FROM: usize = 5;

impl Node {
    /// The share of right ones among the samples that go through.
    pub fn share(&self) -> f32 {
        self.right as f32 / self.samples.len().max(1) as f32
    }
}

/// A tree of nodes; the root is the first, parents stand before their children, and of siblings
/// the one that most samples take comes first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    pub nodes: Vec<Node>,
}

impl Tree {
    /// The tree of some samples' ways.
    pub fn of(ways: &[Way]) -> Self {
        let mut tree = Self::default();
        let all: Vec<usize> = (0..ways.len()).collect();
        let root = tree.add(None, Kind::Root, String::new(), all, ways);
        tree.grow(root, ways);
        tree
    }

    /// A node and all before it, from the root on.
    pub fn way_to(&self, node: usize) -> Vec<usize> {
        let parent = |&node: &usize| self.nodes.get(node).and_then(|node| node.parent);
        let mut way: Vec<usize> = std::iter::successors(Some(node), parent).collect();
        way.reverse();
        way
    }

    /// Whether a sample of `node` goes through `other`: before it, after it, or it itself.
    pub fn shares(&self, node: usize, other: usize) -> bool {
        // Parents stand before their children, so that only the later one can be below the other.
        let (early, mut late) = (node.min(other), node.max(other));
        while late > early {
            match self.nodes.get(late).and_then(|node| node.parent) {
                Some(parent) => late = parent,
                None => return false,
            }
        }
        late == early
    }

    fn add(
        &mut self,
        parent: Option<usize>,
        kind: Kind,
        text: String,
        samples: Vec<usize>,
        ways: &[Way],
    ) -> usize {
        let index = self.nodes.len();
        let right = (samples.iter()).filter(|&&sample| ways[sample].verdict.is_right());
        let before = parent.map(|parent| (self.nodes[parent].depth, self.nodes[parent].steps));
        let depth = before.map_or(0, |(depth, _)| depth + 1);
        let own = match kind {
            Kind::Step => text.lines().count().max(1),
            _ => 0,
        };
        let steps = before.map_or(0, |(_, steps)| steps) + own;
        let sized = |&sample: &usize| ways[sample].sizes.get(steps - 1).copied();
        let size = samples.first().filter(|_| own == 1).and_then(sized);
        self.nodes.push(Node {
            kind,
            text,
            parent,
            children: Vec::new(),
            right: right.count(),
            samples,
            depth,
            steps,
            size,
        });
        if let Some(parent) = parent {
            self.nodes[parent].children.push(index);
        }
        index
    }

    /// Adds what follows a node, level by level, so that deep paths need no deep stack.
    fn grow(&mut self, root: usize, ways: &[Way]) {
        let mut open = vec![root];
        while let Some(parent) = open.pop() {
            let mut groups: BTreeMap<(Kind, &str), Vec<usize>> = BTreeMap::new();
            let at = &self.nodes[parent];
            for &sample in &at.samples {
                let next = next(&ways[sample], at);
                groups.entry(next).or_default().push(sample);
            }
            let mut groups: Vec<_> = groups.into_iter().collect();
            groups.sort_by_key(|((kind, text), samples)| {
                let unread = *kind == Kind::Unread;
                (unread, std::cmp::Reverse(samples.len()), *kind, *text)
            });
            for ((kind, text), samples) in groups {
                let from = self.nodes[parent].steps;
                let child = self.add(Some(parent), kind, text.to_owned(), samples, ways);
                if !matches!(kind, Kind::End(_)) {
                    open.push(self.fold(child, from, ways));
                }
            }
        }
    }

    /// Where all samples of a new node go the same way for long, adds what they have in common up
    /// to its last step. `from` is how many steps stand before the node. Returns the last node.
    fn fold(&mut self, node: usize, from: usize, ways: &[Way]) -> usize {
        let samples = &self.nodes[node].samples;
        let steps = |sample: usize| ways[sample].steps.as_deref().unwrap_or_default();
        let Some((first, others)) = samples.split_first() else {
            return node;
        };
        let common = steps(*first).get(from..).unwrap_or_default();
        let common = others.iter().fold(common, |common, &other| {
            let other = steps(other).get(from..).unwrap_or_default();
            let same = common
                .iter()
                .zip(other)
                .take_while(|(one, other)| one == other);
            &common[..same.count()]
        });
        let [_, between @ .., last] = common else {
            return node;
        };
        if common.len() < FOLDED_FROM {
            return node;
        }
        let (between, last) = (between.join("\n"), last.clone());
        let samples = samples.clone();
        let folded = self.add(Some(node), Kind::Step, between, samples.clone(), ways);
        self.add(Some(folded), Kind::Step, last, samples, ways)
    }
}

/// What a sample does after a node.
fn next<'a>(way: &'a Way, at: &Node) -> (Kind, &'a str) {
    let end = Kind::End(way.verdict);
    match (&way.steps, at.kind) {
        (None, Kind::Root) => (Kind::Unread, ""),
        // Their answers are as different as their mistakes; only the verdict counts here.
        (None, _) => (end, ""),
        (Some(steps), _) => match steps.get(at.steps) {
            Some(step) => (Kind::Step, step),
            None => match (&way.slip, at.kind) {
                (_, Kind::Wrong(_)) | (None, _) => (end, &way.answer),
                (Some((step, flaw)), _) => (Kind::Wrong(*flaw), step),
            },
        },
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// `3+2 5 5=` is two steps and a right answer; `3+2 4` a wrong one; `3+2 !9 4` goes wrong at
    /// its second step, and `3+2 !9 5!=` still comes out right; `?` cannot be read.
    pub fn ways(texts: &[&str]) -> Vec<Way> {
        let way = |text: &&str| {
            let mut steps: Vec<String> = text.split(' ').map(Into::into).collect();
            let end = steps.pop().unwrap_or_default();
            let slip = steps.pop_if(|step| step.starts_with('!'));
            Way {
                slip: slip.map(|step| (step[1..].to_owned(), Flaw::DoesNotFollow)),
                steps: (!end.starts_with('?')).then_some(steps),
                verdict: match (end.ends_with('='), end.ends_with("!=")) {
                    (_, true) => Verdict::Unfaithful,
                    (correct, _) => correct.into(),
                },
                sizes: Vec::new(),
                answer: end.trim_end_matches(['=', '!']).into(),
            }
        };
        texts.iter().map(way).collect()
    }

    fn children(tree: &Tree, node: usize) -> Vec<(String, usize, usize)> {
        let nodes = tree.nodes[node]
            .children
            .iter()
            .map(|&child| &tree.nodes[child]);
        nodes
            .map(|node| (node.text.clone(), node.samples.len(), node.right))
            .collect()
    }

    #[test]
    fn equal_beginnings_are_one_branch() {
        let tree = Tree::of(&ways(&[
            "a c 5=", "?=", "a d 5=", "b c 4", "a c 6", "?", "a c 5=",
        ]));
        assert_eq!((tree.nodes[0].samples.len(), tree.nodes[0].right), (7, 4));
        let first = children(&tree, 0);
        let named = |name: &str, n, right| (name.to_owned(), n, right);
        assert_eq!(first, [named("a", 4, 3), named("b", 1, 0), named("", 2, 1)]);
        let a = tree.nodes[0].children[0];
        assert_eq!(children(&tree, a), [named("c", 3, 2), named("d", 1, 1)]);
        let c = tree.nodes[a].children[0];
        assert_eq!(children(&tree, c), [named("5", 2, 2), named("6", 1, 0)]);
        let unread = tree.nodes[0].children[2];
        assert_eq!(tree.nodes[unread].kind, Kind::Unread);
        assert_eq!(tree.nodes[unread].children.len(), 2);
    }

    #[test]
    fn wrong_steps_are_branches_of_their_own_and_the_last_before_the_end() {
        let tree = Tree::of(&ways(&[
            "a c 5=", "a !c 5", "a !c 6", "a !c 6", "!a 7", "a !e f", "?",
        ]));
        let named = |name: &str, n, right| (name.to_owned(), n, right);
        assert_eq!(
            children(&tree, 0),
            [named("a", 5, 1), named("a", 1, 0), named("", 1, 0)]
        );
        let a = tree.nodes[0].children[0];
        assert_eq!(
            children(&tree, a),
            [named("c", 3, 0), named("c", 1, 1), named("e", 1, 0)]
        );
        let wrong = tree.nodes[a].children[0];
        assert_eq!(tree.nodes[wrong].kind, Kind::Wrong(Flaw::DoesNotFollow));
        assert_eq!(children(&tree, wrong), [named("6", 2, 0), named("5", 1, 0)]);
        let first = tree.nodes[0].children[1];
        assert_eq!(tree.nodes[first].kind, Kind::Wrong(Flaw::DoesNotFollow));
        assert_eq!(children(&tree, first), [named("7", 1, 0)]);
        // A long row in common is folded up to the wrong step, which stays by itself.
        let tree = Tree::of(&ways(&["a b c d e !f 1", "a b c d e !f 2"]));
        let row: Vec<&str> = tree.nodes[..5]
            .iter()
            .map(|node| node.text.as_str())
            .collect();
        assert_eq!(row, ["", "a", "b\nc\nd", "e", "f"]);
    }

    #[test]
    fn every_sample_is_counted_once_on_every_level() {
        let texts: Vec<String> = (0..64)
            .map(|i| match i % 5 {
                0 => "?".into(),
                _ => format!(
                    "{} {} {}{}",
                    i % 3,
                    i % 7,
                    i % 4,
                    if i % 2 == 0 { "=" } else { "" }
                ),
            })
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let tree = Tree::of(&ways(&texts));
        for (index, node) in tree.nodes.iter().enumerate() {
            let below = node.children.iter().map(|&child| &tree.nodes[child]);
            if matches!(node.kind, Kind::End { .. }) {
                assert!(node.children.is_empty());
                continue;
            }
            let mut samples: Vec<usize> = below.clone().flat_map(|n| n.samples.clone()).collect();
            samples.sort_unstable();
            assert_eq!(samples, node.samples);
            assert_eq!(below.map(|n| n.right).sum::<usize>(), node.right);
            assert!(node.children.iter().all(|&child| child > index));
        }
    }

    #[test]
    fn no_samples_are_a_bare_root() {
        let tree = Tree::of(&[]);
        assert_eq!(tree.nodes.len(), 1);
        assert_eq!(tree.nodes[0].share(), 0.0);
    }

    #[test]
    fn a_way_shares_samples_with_what_is_before_and_after_it() {
        let tree = Tree::of(&ways(&["a c 5=", "a d 5=", "b c 4"]));
        let find = |way: &[&str]| {
            way.iter().fold(0, |at, text| {
                let children = &tree.nodes[at].children;
                *children
                    .iter()
                    .find(|&&n| tree.nodes[n].text == *text)
                    .expect("a node")
            })
        };
        let (a, b, ac, ad, bc) = (
            find(&["a"]),
            find(&["b"]),
            find(&["a", "c"]),
            find(&["a", "d"]),
            find(&["b", "c"]),
        );
        assert_eq!(tree.way_to(ac), [0, a, ac]);
        for (one, other) in [(a, ac), (ac, a), (0, bc), (ac, ac), (bc, b)] {
            assert!(tree.shares(one, other), "{one} {other}");
        }
        for (one, other) in [(a, b), (ac, ad), (ac, bc), (b, ac), (a, bc)] {
            assert!(!tree.shares(one, other), "{one} {other}");
        }
    }

    #[test]
    fn long_rows_without_a_branch_are_folded() {
        let tree = Tree::of(&ways(&[
            "a b c d e f 1=",
            "a b c d e g 2",
            "a b c d e f 1=",
        ]));
        let row: Vec<&str> = tree.nodes[..4]
            .iter()
            .map(|node| node.text.as_str())
            .collect();
        assert_eq!(row, ["", "a", "b\nc\nd", "e"]);
        assert_eq!((tree.nodes[2].steps, tree.nodes[3].steps), (4, 5));
        assert_eq!(
            children(&tree, 3),
            [("f".to_owned(), 2, 2), ("g".to_owned(), 1, 0)]
        );
        // Four in a row stay as they are, and so does what ends or branches before.
        let tree = Tree::of(&ways(&["a b c d 1="]));
        assert_eq!(tree.nodes.len(), 6);
        let tree = Tree::of(&ways(&["a b c d e 1=", "a b c 1="]));
        assert!(tree.nodes.iter().all(|node| !node.text.contains('\n')));
    }

    #[test]
    fn a_path_of_many_branches_needs_no_deep_stack() {
        let texts: Vec<String> = (1..2000).map(|n| "s ".repeat(n) + "1=").collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let tree = Tree::of(&ways(&texts));
        let deepest = tree.nodes.iter().map(|node| node.steps).max();
        assert_eq!(deepest, Some(1999));
    }
}
