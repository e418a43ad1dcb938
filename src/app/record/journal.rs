//! Lines of JSON by step, kept compressed: everything a long run has said, for a click on any step.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// Bytes of lines put into one compressed chunk. Packing or opening one takes well below a
/// millisecond, so that it fits into a frame.
const CHUNK: usize = 64 * 1024;

/// Lines in the order they were said, each with the step it belongs to.
#[derive(Default)]
pub struct Journal {
    closed: Vec<Chunk>,
    open: Open,
    /// The chunk looked at last, unpacked.
    last: Option<(usize, Vec<u8>)>,
    /// Compressed bytes kept at most; older chunks go first. 0 keeps all.
    limit: usize,
    /// Lines that had to go.
    forgotten: u64,
}

struct Chunk {
    first: u64,
    last: u64,
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

#[derive(Default)]
struct Open {
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

#[derive(Clone, Copy)]
struct Line {
    step: u64,
    start: u32,
    end: u32,
}

impl Journal {
    /// A journal that forgets its oldest lines beyond `limit` compressed bytes.
    pub fn limited(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Adds a line. Steps are not to fall.
    pub fn push(&mut self, step: u64, line: &[u8]) {
        let start = self.open.bytes.len() as u32;
        self.open.bytes.extend_from_slice(line);
        let end = self.open.bytes.len() as u32;
        self.open.lines.push(Line { step, start, end });
        if self.open.bytes.len() >= CHUNK {
            self.close();
        }
    }

    fn close(&mut self) {
        let Open { bytes, lines } = std::mem::take(&mut self.open);
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
            return;
        };
        // Writing to memory does not fail.
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        let packed = encoder.write_all(&bytes).and_then(|()| encoder.finish());
        self.closed.push(Chunk {
            first: first.step,
            last: last.step,
            bytes: packed.unwrap_or_default(),
            lines,
        });
        while self.limit > 0 && self.closed.len() > 1 && self.size() > self.limit {
            self.forgotten += self.closed.remove(0).lines.len() as u64;
            self.last = None;
        }
    }

    /// Compressed bytes kept.
    pub fn size(&self) -> usize {
        self.closed.iter().map(|chunk| chunk.bytes.len()).sum()
    }

    /// Lines that were forgotten because of the limit.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// All lines of a step, in the order they were said.
    pub fn at(&mut self, step: u64) -> Vec<String> {
        let mut found = Vec::new();
        for index in 0..self.closed.len() {
            let chunk = &self.closed[index];
            if (chunk.first..=chunk.last).contains(&step) {
                let bytes = self.unpacked(index);
                let lines = &self.closed[index].lines;
                found.extend(pick(lines, &bytes, step));
                self.last = Some((index, bytes));
            }
        }
        found.extend(pick(&self.open.lines, &self.open.bytes, step));
        found
    }

    /// The steps that lines belong to, rising, each once.
    pub fn steps(&self) -> Vec<u64> {
        let chunks = self.closed.iter().flat_map(|chunk| &chunk.lines);
        let mut steps: Vec<u64> = chunks
            .chain(&self.open.lines)
            .map(|line| line.step)
            .collect();
        steps.dedup();
        steps
    }

    fn unpacked(&mut self, index: usize) -> Vec<u8> {
        match self.last.take() {
            Some((there, bytes)) if there == index => bytes,
            _ => {
                let mut bytes = Vec::new();
                let packed = self.closed[index].bytes.as_slice();
                // What was packed here unpacks; a failure would leave the lines out.
                DeflateDecoder::new(packed).read_to_end(&mut bytes).ok();
                bytes
            }
        }
    }
}

fn pick(lines: &[Line], bytes: &[u8], step: u64) -> Vec<String> {
    let from = lines.partition_point(|line| line.step < step);
    lines[from..]
        .iter()
        .take_while(|line| line.step == step)
        .filter_map(|line| bytes.get(line.start as usize..line.end as usize))
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(step: u64, n: u64) -> String {
        format!(
            "{{\"step\":{step},\"n\":{n},\"filling\":\"{}\"}}",
            "x".repeat(200)
        )
    }

    #[test]
    fn every_step_gives_its_lines_back() {
        let mut journal = Journal::default();
        for step in 1..=5000 {
            for n in 0..step % 3 {
                journal.push(step, line(step, n).as_bytes());
            }
        }
        assert!(journal.closed.len() > 10);
        assert!(journal.size() < 200_000, "{}", journal.size());
        for step in [1, 2, 2500, 1300, 4999, 5000] {
            let wanted: Vec<String> = (0..step % 3).map(|n| line(step, n)).collect();
            assert_eq!(journal.at(step), wanted, "step {step}");
        }
        assert_eq!(journal.at(5001), Vec::<String>::new());
        assert_eq!(journal.steps().len(), 5000 - 5000 / 3);
    }

    #[test]
    fn a_limit_drops_the_oldest_and_says_how_many() {
        let mut journal = Journal::limited(4_000);
        for step in 1..=20_000 {
            journal.push(step, line(step, 0).as_bytes());
        }
        assert!(journal.forgotten() > 1000);
        assert!(journal.at(1).is_empty());
        assert_eq!(journal.at(20_000), [line(20_000, 0)]);
        assert_eq!(journal.steps()[0], journal.forgotten() + 1);
    }
}
