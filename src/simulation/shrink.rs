//! From a history that fails to the shortest one that can be found: the plan is made simpler, step by step, as long as it
//! still fails with some chance.
//!
//! Another plan is another history, so what fails may be something else in the end. Only what is told in the same words counts.

use super::mischief::Blow;
use super::mutant::Mutant;
use super::plan::Plan;
use super::world::World;

/// How many chances a simpler plan has to fail.
const CHANCES: u64 = 20;

/// A history: its plan, what was made simpler in it, and where its chance comes from.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) plan: Plan,
    pub(super) chance: u64,
    /// The names of the simplifications, in order.
    pub(super) less: Vec<String>,
}

/// What is said of a failure, without its numbers: enough of it to know it again.
fn kind(broken: &str) -> String {
    broken.chars().filter(|each| !each.is_ascii_digit()).take(20).collect()
}

/// How a history failed.
pub(super) struct Failure {
    pub(super) broken: String,
    pub(super) steps: u64,
    pub(super) trace: Vec<String>,
}

impl Case {
    pub(super) fn new(seed: u64) -> Self {
        Self { plan: Plan::new(seed), chance: seed, less: Vec::new() }
    }

    /// As [`Case::told`] says, with the chance of another seed and simplifications by name, between commas.
    ///
    /// # Errors
    /// There is no simplification of a name.
    pub(super) fn replayed(seed: u64, less: &str) -> Result<Self, String> {
        let mut case = Self::new(seed);
        for name in less.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            case = match name.strip_prefix("chance-").and_then(|seed| seed.parse().ok()) {
                Some(chance) => Self { chance, ..case },
                None => {
                    let plan = simpler(&case.plan).into_iter().find(|(each, _)| each == name);
                    Self { plan: plan.ok_or_else(|| format!("nothing can be made simpler by {name:?}"))?.1, ..case }
                }
            };
            case.less.push(name.to_owned());
        }
        Ok(case)
    }

    /// What [`Case::replayed`] has to be given to live through it again.
    pub(super) fn told(&self) -> String {
        let mut less = self.less.clone();
        less.retain(|name| !name.starts_with("chance-"));
        less.push(format!("chance-{}", self.chance));
        less.join(",")
    }

    /// Lives through it with a trace of at most so many lines.
    pub(super) fn fails(&self, mutant: Option<Mutant>, lines: usize) -> Option<Failure> {
        let mut world = World::new(self.plan.clone(), self.chance, mutant, lines);
        let broken = world.run().err()?;
        Some(Failure { broken, steps: world.steps(), trace: world.into_trace() })
    }

    /// The shortest that is found from here, and how it fails.
    ///
    /// # Panics
    /// It does not fail.
    pub(super) fn shortest(mut self, mutant: Option<Mutant>) -> (Self, Failure) {
        let whole = self.fails(mutant, 0).expect("the case itself fails");
        let (kind, mut steps) = (kind(&whole.broken), whole.steps);
        while let Some((simpler, fewer)) = self.simpler(mutant, &kind, steps) {
            (self, steps) = (simpler, fewer);
        }
        // Of the simplest plan's histories, the one with the fewest steps.
        let chances = (0..CHANCES).map(|add| self.chance.wrapping_add(add));
        let cases = chances.map(|chance| Self { chance, ..self.clone() });
        let failing = cases.filter_map(|case| Some((case.fails_like(mutant, &kind)?.steps, case)));
        let (_, shortest) = failing.min_by_key(|(steps, _)| *steps).expect("the case itself fails");
        let failure = shortest.fails(mutant, 400).expect("it fails as it did");
        (shortest, failure)
    }

    fn fails_like(&self, mutant: Option<Mutant>, like: &str) -> Option<Failure> {
        self.fails(mutant, 0).filter(|failure| kind(&failure.broken) == like)
    }

    /// A simpler case that fails alike after no more than so many steps, and after how many.
    fn simpler(&self, mutant: Option<Mutant>, kind: &str, most: u64) -> Option<(Self, u64)> {
        for (name, plan) in simpler(&self.plan) {
            for add in 0..CHANCES {
                let mut less = self.less.clone();
                less.push(name.clone());
                let case = Self { plan: plan.clone(), chance: self.chance.wrapping_add(add), less };
                let failure = case.fails_like(mutant, kind).filter(|failure| failure.steps <= most);
                if let Some(failure) = failure {
                    return Some((case, failure.steps));
                }
            }
        }
        None
    }
}

/// Every plan that is one step simpler, by name.
fn simpler(plan: &Plan) -> Vec<(String, Plan)> {
    let mut plans = Vec::new();
    let mut offer = |name: &str, change: &dyn Fn(&mut Plan)| {
        let mut simpler = plan.clone();
        change(&mut simpler);
        plans.push((name.to_owned(), simpler));
    };
    if plan.failing > 0 {
        offer("no-failures", &|plan| plan.failing = 0);
    }
    for blow in Blow::ALL.into_iter().filter(|blow| !plan.without.contains(blow)) {
        offer(&format!("no-{blow:?}"), &|plan| plan.without.push(blow));
    }
    if plan.members > 1 {
        offer("fewer-members", &|plan| plan.members -= 1);
    }
    if plan.topics > 1 {
        offer("one-topic", &|plan| {
            plan.topics = 1;
            plan.reader.routes.retain(|topic, _| **topic == *"t0");
        });
    }
    if plan.partitions > 1 {
        offer("fewer-partitions", &|plan| plan.partitions -= 1);
    }
    if plan.records > 1 {
        offer("fewer-records", &|plan| plan.records /= 2);
    }
    if plan.reader.workers > 1 {
        offer("one-worker", &|plan| plan.reader.workers = 1);
    }
    if plan.catches_up {
        offer("no-catching-up", &|plan| plan.catches_up = false);
    }
    if plan.memory < 1 << 20 {
        offer("more-memory", &|plan| plan.memory = 1 << 20);
    }
    if plan.dispatch.concurrency > 1 {
        offer("one-request", &|plan| plan.dispatch.concurrency = 1);
    }
    if plan.calm.0.as_millis() > 500 {
        offer("calm-sooner", &|plan| plan.calm.0 /= 2);
    }
    plans
}
