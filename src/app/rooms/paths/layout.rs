//! Where the nodes of a tree stand: columns from left to right, one row for each end.

use eframe::egui::{Pos2, Rect, Vec2, pos2};

use super::tree::Tree;

/// Room between columns, where the edges are drawn.
const BETWEEN_COLUMNS: f32 = 38.0;
/// Room between rows.
const BETWEEN_ROWS: f32 = 8.0;

/// Places nodes of the given sizes (as many as the tree has) so that none overlap: each column
/// begins at one x, every parent stands half-way between its first and its last child, and all
/// begins at the origin.
pub fn place(tree: &Tree, sizes: &[Vec2]) -> Vec<Rect> {
    let xs = columns(tree, sizes);
    let row = sizes.iter().map(|size| size.y).fold(0.0, f32::max) + BETWEEN_ROWS;
    let mut ys = vec![0.0; tree.nodes.len()];
    for (number, node) in ends(tree).into_iter().enumerate() {
        ys[node] = (number as f32 + 0.5) * row;
    }
    // Children stand after their parents, so that going backwards meets them first.
    for (index, node) in tree.nodes.iter().enumerate().rev() {
        if let (Some(&first), Some(&last)) = (node.children.first(), node.children.last()) {
            ys[index] = (ys[first] + ys[last]) / 2.0;
        }
    }
    tree.nodes
        .iter()
        .zip(sizes)
        .zip(&ys)
        .map(|((node, &size), &y)| {
            Rect::from_min_size(pos2(xs[node.depth], y - size.y / 2.0), size)
        })
        .collect()
}

/// What all nodes cover together.
pub fn bounds(rects: &[Rect]) -> Rect {
    let all = rects
        .iter()
        .fold(Rect::NOTHING, |all, &rect| all.union(rect));
    if all.is_finite() {
        all
    } else {
        Rect::from_min_size(Pos2::ZERO, Vec2::splat(1.0))
    }
}

/// Where each column begins: beyond the widest node of the one before.
fn columns(tree: &Tree, sizes: &[Vec2]) -> Vec<f32> {
    let depth = tree.nodes.iter().map(|node| node.depth).max().unwrap_or(0);
    let mut widths = vec![0.0f32; depth + 1];
    for (node, size) in tree.nodes.iter().zip(sizes) {
        widths[node.depth] = widths[node.depth].max(size.x);
    }
    let mut x = 0.0;
    let begin = |width: f32| {
        let begins = x;
        x += width + BETWEEN_COLUMNS;
        begins
    };
    widths.into_iter().map(begin).collect()
}

/// The nodes without children, from top to bottom.
fn ends(tree: &Tree) -> Vec<usize> {
    let mut open = vec![0];
    let mut ends = Vec::new();
    while let Some(index) = open.pop() {
        let Some(node) = tree.nodes.get(index) else {
            continue;
        };
        if node.children.is_empty() {
            ends.push(index);
        }
        open.extend(node.children.iter().rev());
    }
    ends
}

#[cfg(test)]
mod tests {
    use eframe::egui::vec2;

    use super::super::tree::tests::ways;
    use super::*;

    fn tree() -> Tree {
        let texts: Vec<String> = (0..48)
            .map(|i| match i {
                0..6 => "?".into(),
                6 => "9=".into(),
                i => format!("a{} b{} c{} {}=", i % 3, i % 5, i % 7, i % 2),
            })
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Tree::of(&ways(&texts))
    }

    fn sizes(tree: &Tree) -> Vec<Vec2> {
        let size = |index| vec2(30.0 + (index * 37 % 90) as f32, 20.0 + (index % 3) as f32);
        (0..tree.nodes.len()).map(size).collect()
    }

    #[test]
    fn nothing_overlaps() {
        let tree = tree();
        let rects = place(&tree, &sizes(&tree));
        assert!(rects.len() > 60);
        for (index, one) in rects.iter().enumerate() {
            for other in &rects[index + 1..] {
                assert!(!one.expand(1.0).intersects(*other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn parents_stand_in_the_middle_and_before_their_children() {
        let tree = tree();
        let rects = place(&tree, &sizes(&tree));
        for (node, rect) in tree.nodes.iter().zip(&rects) {
            let children: Vec<Rect> = node.children.iter().map(|&child| rects[child]).collect();
            let (Some(first), Some(last)) = (children.first(), children.last()) else {
                continue;
            };
            let middle = (first.center().y + last.center().y) / 2.0;
            assert!((rect.center().y - middle).abs() < 1e-3);
            assert!(
                children
                    .iter()
                    .all(|child| child.left() >= rect.right() + BETWEEN_COLUMNS)
            );
            let tops: Vec<f32> = children.iter().map(|child| child.top()).collect();
            assert!(tops.is_sorted(), "siblings keep their order");
        }
    }

    #[test]
    fn all_begins_at_the_origin() {
        let tree = tree();
        let all = bounds(&place(&tree, &sizes(&tree)));
        assert_eq!(all.left(), 0.0);
        assert!(all.top() >= 0.0 && all.top() < 40.0);
        assert_eq!(bounds(&[]).size(), Vec2::splat(1.0));
        let alone = Tree::of(&[]);
        assert_eq!(place(&alone, &[vec2(10.0, 20.0)]).len(), 1);
    }
}
