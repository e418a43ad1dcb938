//! How often each of some things came, whatever the things were.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A multiset without its elements: how many things came how often. `5,2,1x3` is one thing that came five
/// times, one that came twice, and three that came once. However many samples there are, the text is short:
/// n samples have at most about √(2n) different counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(BTreeMap<u32, u32>);

impl Counts {
    /// Counts things.
    pub fn of<'a>(things: impl IntoIterator<Item = &'a str>) -> Self {
        let mut each: BTreeMap<&str, u32> = BTreeMap::new();
        for thing in things {
            *each.entry(thing).or_default() += 1;
        }
        Self::from_each(each.into_values())
    }

    /// From how often each thing came.
    pub fn from_each(each: impl IntoIterator<Item = u32>) -> Self {
        let mut counts = Self::default();
        for count in each.into_iter().filter(|&count| count > 0) {
            *counts.0.entry(count).or_default() += 1;
        }
        counts
    }

    /// How often each thing came, the most frequent first.
    pub fn each(&self) -> impl Iterator<Item = u32> {
        let repeated = |(&count, &times): (&u32, &u32)| std::iter::repeat_n(count, times as usize);
        self.0.iter().rev().flat_map(repeated)
    }

    /// How many different things came.
    pub fn distinct(&self) -> u32 {
        self.0.values().sum()
    }

    /// How many came in all.
    pub fn total(&self) -> u32 {
        self.0.iter().map(|(count, times)| count * times).sum()
    }

    /// The most frequent thing's count, and how many things came as often.
    pub fn most(&self) -> Option<(u32, u32)> {
        self.0
            .last_key_value()
            .map(|(count, times)| (*count, *times))
    }

    /// Both together; no thing is in both.
    pub fn joined(&self, other: &Self) -> Self {
        Self::from_each(self.each().chain(other.each()))
    }

    /// −Σ p ln p of the frequencies, in nats; `None` of nothing.
    pub fn entropy(&self) -> Option<f64> {
        let total = f64::from(self.total());
        let term = |count: u32| {
            let p = f64::from(count) / total;
            p * p.ln()
        };
        // Adding 0 turns the −0 of a single thing into 0.
        (total > 0.0).then(|| 0.0 - self.each().map(term).sum::<f64>())
    }

    /// Probability that two of them, drawn without replacement, are different things: 1 − Σ nᵢ(nᵢ − 1) /
    /// (n(n − 1)). That is Simpson's index (1949), without bias however few there are; `None` of fewer than
    /// two.
    pub fn simpson(&self) -> Option<f64> {
        let n = f64::from(self.total());
        let pairs = |count: u32| f64::from(count) * (f64::from(count) - 1.0);
        (n >= 2.0).then(|| 1.0 - self.each().map(pairs).sum::<f64>() / (n * (n - 1.0)))
    }

    /// How many different things are among k of them drawn without replacement, on average: Σᵢ 1 − C(n − nᵢ,
    /// k) / C(n, k) (rarefaction, Hurlbert 1971); `None` of fewer than k. So numbers that rest on more and on
    /// fewer can be compared.
    pub fn rarefied(&self, k: u32) -> Option<f64> {
        let n = self.total();
        if k == 0 || k > n {
            return None;
        }
        let there = |count: u32| {
            let seen = super::metrics::pass_at_k(n as usize, count as usize, k as usize);
            seen.unwrap_or(0.0)
        };
        Some(self.each().map(there).sum())
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (count, times)) in self.0.iter().rev().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            match times {
                1 => write!(out, "{comma}{count}")?,
                _ => write!(out, "{comma}{count}x{times}")?,
            }
        }
        Ok(())
    }
}

impl std::str::FromStr for Counts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut counts = Self::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (count, times) = part.split_once('x').unwrap_or((part, "1"));
            let number = |digits: &str| {
                let number = digits.parse::<u32>().ok().filter(|number| *number > 0);
                number.ok_or_else(|| {
                    format!("`{digits}` in the counts `{text}` is no number above 0")
                })
            };
            *counts.0.entry(number(count)?).or_default() += number(times)?;
        }
        Ok(counts)
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> Counts {
        text.parse().expect("counts")
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn counts_are_written_short_and_read_back() {
        let there = Counts::of(["a", "b", "a", "c", "d", "a", "b"]);
        assert_eq!(there.to_string(), "3,2,1x2");
        assert_eq!(counts("3,2,1x2"), there);
        assert_eq!((there.total(), there.distinct()), (7, 4));
        assert_eq!(there.each().collect::<Vec<_>>(), [3, 2, 1, 1]);
        assert_eq!(
            (there.most(), counts("2x3").most()),
            (Some((3, 1)), Some((2, 3)))
        );
        assert_eq!(counts(""), Counts::default());
        assert_eq!(there.joined(&counts("3")).to_string(), "3x2,2,1x2");
        for wrong in ["x", "3x", "0", "2x0", "a", "-1"] {
            assert!(wrong.parse::<Counts>().is_err(), "{wrong}");
        }
        let json = serde_json::to_string(&there).expect("JSON");
        assert_eq!(json, "\"3,2,1x2\"");
        assert_eq!(
            serde_json::from_str::<Counts>(&json).expect("counts"),
            there
        );
    }

    #[test]
    fn entropy_is_in_nats() {
        close(counts("1x4").entropy().unwrap(), 4f64.ln());
        let alone = counts("5").entropy().unwrap();
        assert!(alone == 0.0 && alone.is_sign_positive());
        assert_eq!(counts("").entropy(), None);
    }

    /// Simpson and rarefaction by going through all draws.
    #[test]
    fn simpson_and_rarefaction_are_the_means_over_all_draws() {
        let each = [4u32, 2, 1, 1];
        let things: Vec<usize> = (0..each.len())
            .flat_map(|thing| std::iter::repeat_n(thing, each[thing] as usize))
            .collect();
        let there = Counts::from_each(each);
        for k in 1..=things.len() {
            let draws = (0u32..1 << things.len()).filter(|mask| mask.count_ones() as usize == k);
            let (mut sum, mut number) = (0.0, 0.0);
            for mask in draws {
                let drawn = (0..things.len()).filter(|place| mask >> place & 1 == 1);
                let kinds: std::collections::BTreeSet<usize> =
                    drawn.map(|place| things[place]).collect();
                sum += kinds.len() as f64;
                number += 1.0;
            }
            close(there.rarefied(k as u32).unwrap(), sum / number);
        }
        // Two draws are one thing or two.
        close(there.simpson().unwrap(), there.rarefied(2).unwrap() - 1.0);
        assert_eq!(there.rarefied(9), None);
        assert_eq!((counts("1").simpson(), counts("").simpson()), (None, None));
        close(counts("2").simpson().unwrap(), 0.0);
        close(counts("1x2").simpson().unwrap(), 1.0);
    }

    /// Neither depends on how many samples there are, as the plain number and the entropy do.
    #[test]
    fn more_samples_of_the_same_policy_do_not_look_more_diverse() {
        use rand::RngExt as _;
        let mean = |samples: usize, value: &dyn Fn(&Counts) -> f64| -> f64 {
            let mut sum = 0.0;
            for round in 0..4000 {
                let mut random =
                    crate::rng::stream(7, crate::rng::Purpose::Problem, round, samples as u64);
                let mut each = [0u32; 4];
                for _ in 0..samples {
                    // Four ways, half of the samples on the first.
                    let way = [0, 0, 0, 1, 2, 3][random.random_range(0..6)];
                    each[way] += 1;
                }
                sum += value(&Counts::from_each(each));
            }
            sum / 4000.0
        };
        let simpson = |counts: &Counts| counts.simpson().unwrap();
        let rarefied = |counts: &Counts| counts.rarefied(4).unwrap();
        let distinct = |counts: &Counts| f64::from(counts.distinct());
        for value in [&simpson as &dyn Fn(&Counts) -> f64, &rarefied] {
            let (few, many) = (mean(4, value), mean(32, value));
            assert!((few - many).abs() < 0.03, "{few} {many}");
        }
        assert!(mean(32, &distinct) > mean(4, &distinct) + 1.0);
    }
}
