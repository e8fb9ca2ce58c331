//! How long something took, many times over, in bounded memory.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// Up to how many seconds a duration is kept exactly.
const EXACT: u64 = 600;
/// To how many seconds a longer one is rounded up.
const ROUNDED: u64 = 60;
/// The longest that is told from a longer one, in seconds: thirty days.
const LONGEST: u64 = 30 * 24 * 60 * 60;

/// How often something took how many seconds: exact up to ten minutes, and in whole minutes, rounded up, above.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spread(BTreeMap<u64, u64>);

impl Spread {
    /// Counts one that took this long.
    pub fn add(&mut self, took: SignedDuration) {
        let seconds = u64::try_from(took.as_secs()).unwrap_or(0).min(LONGEST);
        let kept = if seconds <= EXACT { seconds } else { seconds.div_ceil(ROUNDED) * ROUNDED };
        *self.0.entry(kept).or_default() += 1;
    }

    /// Adds all that `other` counted.
    pub fn merge(&mut self, other: &Self) {
        for (seconds, count) in &other.0 {
            *self.0.entry(*seconds).or_default() += count;
        }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// How many took more than `from` seconds, and at most `to`.
    pub fn between(&self, from: u64, to: u64) -> u64 {
        self.0.iter().filter(|(seconds, _)| (from < **seconds) && **seconds <= to).map(|(_, count)| count).sum()
    }

    /// How many seconds were enough for `percent` of a hundred of them: the nearest rank. `None` when there are none.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (self.count() * percent).div_ceil(100).max(1);
        let mut seen = 0;
        self.0.iter().find_map(|(seconds, count)| {
            seen += count;
            (seen >= rank).then_some(*seconds)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values_by_nearest_rank() {
        let mut spread = Spread::default();
        assert_eq!(spread.percentile(50), None);
        for seconds in [10, 20, 30, 40] {
            spread.add(SignedDuration::from_secs(seconds));
        }
        let ranks = [0, 25, 50, 75, 90, 100].map(|percent| spread.percentile(percent));
        assert_eq!(ranks, [10, 10, 20, 30, 40, 40].map(Some));
        assert_eq!(spread.between(10, 30), 2);
    }

    #[test]
    fn above_ten_minutes_it_is_rounded_up_to_the_minute_and_never_grows_without_end() {
        let mut spread = Spread::default();
        for seconds in [600, 601, 660, 661, i64::MAX, -5] {
            spread.add(SignedDuration::from_secs(seconds));
        }
        let kept: Vec<u64> = spread.0.keys().copied().collect();
        assert_eq!(kept, [0, 600, 660, 720, LONGEST]);
    }
}
