//! One round: faults one after the other while records flow, then calm, and the census of everything.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::carry::carry_out;
use super::stage::Stage;
use super::{Fault, Planted};
use crate::lab::Result;
use crate::lab::generate::Random;
use crate::lab::oracle::{self, Verdict};
use crate::lab::proxy::{self, Mode};

/// What a round came to.
#[derive(Debug, Default)]
pub struct Round {
    pub number: u64,
    pub faults: Vec<Fault>,
    /// Faults of requests, answers and items in this round.
    pub weather: BTreeMap<proxy::Fault, u64>,
    /// Produced in this round.
    pub records: u64,
    pub verdict: Verdict,
    /// How long it took until all was committed when the faults were over.
    pub settled: Duration,
    pub took: Duration,
    /// How long each fault kept some partition from going on.
    pub recoveries: Vec<(Fault, Duration)>,
    /// Commits that were held against documents in the middle of the work.
    pub commits_checked: u64,
    /// Everything that did not hold.
    pub violations: Vec<String>,
    /// No storm is on.
    pub calm: bool,
}

impl Round {
    /// The round in one line, and a line for each thing that did not hold.
    pub fn line(&self) -> String {
        let faults: Vec<_> = self.faults.iter().map(Fault::to_string).collect();
        let verdict = if self.violations.is_empty() { "holds" } else { "DOES NOT HOLD" };
        let mut line = format!(
            "round {}: {} and {} of requests; {} records, {} documents, {} dead letters; settled {:.1} s after; \
             {:.0} s; {}: {verdict}",
            self.number,
            faults.join(" "),
            self.weather.values().sum::<u64>(),
            self.records,
            self.verdict.documents,
            self.verdict.dead,
            self.settled.as_secs_f64(),
            self.took.as_secs_f64(),
            self.verdict,
        );
        for violation in &self.violations {
            line.push_str("\n  ");
            line.push_str(violation);
        }
        line
    }
}

/// Plays it.
pub fn play(stage: &mut Stage<'_>, number: u64, faults: &[Fault], random: &mut Random) -> Result<Round> {
    let begin = Instant::now();
    let mut round = Round { number, faults: faults.to_vec(), calm: true, ..Round::default() };
    let (records, weather) = (oracle::lock(&stage.oracle).records(), stage.proxy.faults());
    let order = stage.proxy.submissions().order().violations.len();
    stage.man(random)?;
    let share = stage.options.records / (stage.topics.len() * faults.len().max(1)) as u64;
    for fault in faults {
        stage.feed(share.max(1), random);
        stage.progress(random.below(share / 2 + 1))?;
        carry_out(stage, *fault, &mut round, random)?;
        stage.look_after()?;
        // A storm lasts over the next fault half of the time.
        if *fault == Fault::Storm && random.chance(500) {
            round.calm = false;
        } else {
            stage.proxy.set(Mode::Pass);
            round.calm = true;
        }
    }
    stage.proxy.set(Mode::Pass);
    stage.fed()?;
    stage.crew.look_at_all()?;
    stage.man(random)?;
    match stage.caught_up()? {
        Ok(time) => round.settled = time,
        Err(error) => round.violations.push(error),
    }
    if let Some(planted) = stage.options.planted.filter(|_| number == stage.options.rounds) {
        plant(stage, planted)?;
    }
    if round.violations.is_empty() {
        stage.crew.add_up(Duration::from_secs(30))?;
    }
    let (commits, ends, sight) = stage.look()?;
    {
        let oracle = oracle::lock(&stage.oracle);
        round.verdict = Verdict::at_rest(&oracle, &sight);
        let commits = Verdict::of_commits(&oracle, &sight, &commits, &ends);
        round.records = oracle.records() - records;
        if !round.verdict.is_good() {
            round.violations.push(format!("census: {}", round.verdict));
        }
        if !commits.is_good() {
            round.violations.push(format!("commits: {commits}"));
        }
    }
    stage.crew.look_at_all()?;
    round.violations.append(&mut stage.crew.violations);
    round.violations.append(&mut stage.commits.gone_back());
    let mut out_of_order = stage.proxy.submissions().order().violations;
    round.violations.extend(out_of_order.drain(order..).take(10));
    for (fault, times) in stage.proxy.faults() {
        let new = times - weather.get(&fault).copied().unwrap_or(0);
        if new > 0 && fault != proxy::Fault::Poison {
            round.weather.insert(fault, new);
        }
    }
    round.took = begin.elapsed();
    Ok(round)
}

/// Spoils what is there, as no fault of Kelp's would be told from.
fn plant(stage: &Stage<'_>, planted: Planted) -> Result<()> {
    let elastic = &stage.search;
    let pattern = format!("{}-t*", stage.name);
    elastic.refresh(&pattern)?;
    let answer = elastic.get(&format!("/{pattern}/_search?size=1&sort=kafka.offset:desc"))?;
    let hit = &answer["hits"]["hits"][0];
    let (Some(index), Some(id)) = (hit["_index"].as_str(), hit["_id"].as_str()) else {
        return Err("there is no document to spoil".into());
    };
    match planted {
        Planted::Removed => elastic.delete(&format!("/{index}/_doc/{id}"))?,
        Planted::Copied => elastic.put(&format!("/{}-t0-copy/_doc/{id}", stage.name), &hit["_source"])?,
    };
    Ok(())
}
