//! How long to wait before the next try, and the chance that is used for it.
//!
//! Pure: time and randomness are given by the caller, so that a simulated history can be replayed from its seed.
//!
//! The jitter is *equal*: half of the bounded exponential delay is kept, the other half is random. Full jitter would
//! spread a herd a little better, but it also allows a delay of nothing, and a server that has just refused a request
//! because it is full must not be asked again at once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A bounded exponential delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    /// The longest delay before the first retry.
    pub base: Duration,
    /// No delay is longer than this.
    pub cap: Duration,
}

impl Backoff {
    /// The delay before retry number `attempt` (from 0), somewhere in the upper half of `min(cap, base · 2^attempt)`.
    /// `random` is any 64 random bits, usually [`Chance::bits`].
    pub fn delay(&self, attempt: u32, random: u64) -> Duration {
        let longest = nanos(self.longest(attempt));
        let half = longest / 2;
        let jitter = (u128::from(longest - half) * u128::from(random)) >> 64;
        Duration::from_nanos(half + jitter as u64)
    }

    /// The longest delay that [`Backoff::delay`] can give for this attempt.
    pub fn longest(&self, attempt: u32) -> Duration {
        let factor = 1u32.checked_shl(attempt).unwrap_or(u32::MAX);
        Duration::from_nanos(nanos(self.base.saturating_mul(factor).min(self.cap)))
    }
}

/// In nanoseconds, up to the 584 years that fit.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A small deterministic source of random bits (SplitMix64), seeded by the caller. For jitter and simulation; never
/// for secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chance {
    state: u64,
}

impl Chance {
    /// The same seed gives the same bits for ever.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// What a source can be made with that gives the same bits from now on.
    pub fn seed(&self) -> u64 {
        self.state
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound - 1`; 0 where the bound is 0. Biased by less than `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// True `times` times in `of`.
    pub fn hits(&mut self, times: u64, of: u64) -> bool {
        self.below(of) < times
    }

    /// Another source, whose bits have nothing to do with what this one gives next.
    pub fn fork(&mut self) -> Self {
        Self::new(self.bits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BACKOFF: Backoff = Backoff { base: Duration::from_millis(100), cap: Duration::from_secs(30) };

    #[test]
    fn doubles_up_to_the_cap() {
        let longest: Vec<u64> = (0..10).map(|attempt| BACKOFF.longest(attempt).as_millis() as u64).collect();
        assert_eq!(longest, [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000]);
        assert_eq!(BACKOFF.longest(u32::MAX), BACKOFF.cap);
    }

    #[test]
    fn the_ends_of_the_range_are_reached() {
        assert_eq!(BACKOFF.delay(0, 0), Duration::from_millis(50));
        assert!(BACKOFF.delay(0, u64::MAX) > Duration::from_micros(99_999));
    }

    #[test]
    fn chance_is_the_published_splitmix64() {
        // The first outputs of the reference generator for seed 1234567.
        let mut chance = Chance::new(1_234_567);
        assert_eq!(chance.bits(), 6_457_827_717_110_365_317);
        assert_eq!(chance.bits(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn the_seed_of_a_source_that_was_used_gives_what_is_left_of_it() {
        let mut chance = Chance::new(7);
        chance.bits();
        let mut again = Chance::new(chance.seed());
        assert_eq!(again.bits(), chance.bits());
    }

    #[test]
    fn forks_differ_from_their_source() {
        let mut chance = Chance::new(7);
        let mut fork = chance.fork();
        assert_ne!(chance.bits(), fork.bits());
    }

    proptest! {
        #[test]
        fn a_delay_is_never_below_half_nor_above_the_whole(
            base in 0u64..10_000_000, cap in 0u64..u64::MAX / 2, attempt in any::<u32>(), random in any::<u64>(),
        ) {
            let backoff = Backoff { base: Duration::from_micros(base), cap: Duration::from_micros(cap) };
            let longest = backoff.longest(attempt);
            let delay = backoff.delay(attempt, random);
            prop_assert!(delay <= longest && longest <= backoff.cap);
            prop_assert!(delay >= longest / 2);
        }

        #[test]
        fn below_is_below(seed in any::<u64>(), bound in 1u64..) {
            prop_assert!(Chance::new(seed).below(bound) < bound);
        }
    }
}
