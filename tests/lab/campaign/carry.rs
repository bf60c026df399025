//! Carrying out one fault.

use std::time::{Duration, Instant};

use super::round::Round;
use super::stage::{Marks, Stage};
use super::{Fault, Protocol};
use crate::lab::generate::Random;
use crate::lab::oracle::{self, Removal, TopicKind, Verdict};
use crate::lab::proxy::{self, Mode, Weather};
use crate::lab::{Result, wait_until};

/// Carries it out, waits until work goes on, and notes how long that took.
pub fn carry_out(stage: &mut Stage<'_>, fault: Fault, round: &mut Round, random: &mut Random) -> Result<()> {
    match fault {
        Fault::Kill => kill(stage, round, random),
        Fault::KillAll => {
            power_cut(stage, round, random, |_, _| Ok(()))?;
            Ok(())
        }
        Fault::Stop => stop(stage, round, random),
        Fault::Terminate => {
            let Some(at) = stage.crew.any(random) else { return Ok(()) };
            let slot = stage.crew.terminate(at)?;
            stage.progress(random.below(500))?;
            stage.crew.start(slot, &stage.proxy, random)
        }
        Fault::Join => join(stage, random),
        Fault::KafkaRestart | Fault::KafkaKill => {
            let marks = stage.marks()?;
            match fault {
                Fault::KafkaKill => stage.kafka.process().kill()?,
                _ => stage.kafka.stop()?,
            }
            stage.kafka.start_again()?;
            recover(stage, round, fault, &marks)
        }
        Fault::CoordinatorKill => coordinator_kill(stage, round, random),
        Fault::ElasticKill => {
            let marks = stage.marks()?;
            stage.search.stop()?;
            stage.search.start_again()?;
            recover(stage, round, fault, &marks)
        }
        Fault::ElasticStop => {
            let marks = stage.marks()?;
            stage.search.process().signal(libc::SIGSTOP)?;
            let waited = pause(stage, Duration::from_secs(6));
            stage.search.process().signal(libc::SIGCONT)?;
            waited?;
            recover(stage, round, fault, &marks)
        }
        Fault::Refuse => {
            let marks = stage.marks()?;
            stage.proxy.refuse();
            pause(stage, Duration::from_millis(1000 + random.below(2000)))?;
            stage.proxy.admit()?;
            recover(stage, round, fault, &marks)
        }
        Fault::Storm => storm(stage, random),
        Fault::RetentionDown => power_cut(stage, round, random, |stage, random| retention(stage, random).map(drop)),
        Fault::RetentionUp => {
            let marks = retention(stage, random)?;
            recover(stage, round, fault, &marks)
        }
        Fault::RemakeDown => {
            let (topic, kind) = random.pick(&stage.topics).clone();
            power_cut(stage, round, random, |stage, random| remake(stage, &topic, kind, random))
        }
        Fault::RemakeUp => {
            let (topic, kind) = random.pick(&stage.topics).clone();
            remake(stage, &topic, kind, random)
        }
        Fault::Reload => {
            stage.write_pipelines()?;
            // One that has only just begun does not listen to signals yet: SIGHUP would end it. It reads the new ones anyway.
            let mut listening = stage.crew.members().iter_mut().filter(|member| member.kelp.metrics().is_ok());
            listening.try_for_each(|member| member.kelp.process().signal(libc::SIGHUP))
        }
    }
}

fn recover(stage: &mut Stage<'_>, round: &mut Round, fault: Fault, marks: &Marks) -> Result<()> {
    recover_since(stage, round, fault, marks, Instant::now())
}

fn recover_since(stage: &mut Stage<'_>, round: &mut Round, fault: Fault, marks: &Marks, begin: Instant) -> Result<()> {
    // The fault came in the storm; how long a storm may hold things up is no question here.
    stage.proxy.set(Mode::Pass);
    match stage.recovered(marks, begin)? {
        Ok(time) if round.calm && !marks.is_empty() => round.recoveries.push((fault, time)),
        Ok(_) => {}
        Err(error) => round.violations.push(format!("after {fault}: {error}")),
    }
    Ok(())
}

/// Lets time pass, as the fault itself asks for: it *is* a length of time.
fn pause(stage: &Stage<'_>, time: Duration) -> Result<()> {
    let begin = Instant::now();
    wait_until("time to pass", stage.options.patience + time, || {
        (stage.check)()?;
        Ok((begin.elapsed() >= time).then_some(()))
    })
}

fn kill(stage: &mut Stage<'_>, round: &mut Round, random: &mut Random) -> Result<()> {
    let Some(at) = stage.crew.any(random) else { return Ok(()) };
    let marks = stage.marks()?;
    let slot = stage.crew.kill(at)?;
    let begin = Instant::now();
    // Others take over, or the process itself is back before they notice.
    let alone = stage.crew.members().is_empty();
    if alone || random.chance(500) {
        stage.crew.start(slot, &stage.proxy, random)?;
        return recover_since(stage, round, Fault::Kill, &marks, begin);
    }
    recover_since(stage, round, Fault::Kill, &marks, begin)?;
    stage.crew.start(slot, &stage.proxy, random)
}

fn stop(stage: &mut Stage<'_>, round: &mut Round, random: &mut Random) -> Result<()> {
    let Some(at) = stage.crew.any(random) else { return Ok(()) };
    let marks = stage.marks()?;
    stage.crew.members()[at].kelp.process().signal(libc::SIGSTOP)?;
    let pid = stage.crew.members()[at].kelp.process().pid();
    let begin = Instant::now();
    let result = if stage.crew.members().len() > 1 {
        // Its partitions go on in other hands only after its session's end.
        recover_since(stage, round, Fault::Stop, &marks, begin)
    } else {
        pause(stage, Duration::from_secs(5))
    };
    for member in stage.crew.members() {
        let process = member.kelp.process();
        if process.pid() == pid {
            process.signal(libc::SIGCONT)?;
        }
    }
    result
}

fn join(stage: &mut Stage<'_>, random: &mut Random) -> Result<()> {
    let slot = stage.options.processes;
    stage.crew.start(slot, &stage.proxy, random)?;
    let patience = stage.options.patience;
    let Some(at) = stage.crew.members().iter().position(|member| member.slot == slot) else { return Ok(()) };
    let holds = stage.crew.members()[at].kelp.wait_metrics("the newcomer to hold partitions", patience, |metrics| {
        metrics.sum("kelp_partitions_held").is_some_and(|held| held > 0.0)
    });
    if let Err(error) = holds {
        stage.crew.violations.push(error.to_string());
    }
    stage.progress(random.below(2000))?;
    if random.chance(500) { stage.crew.terminate(at) } else { stage.crew.kill(at) }.map(drop)
}

/// A newcomer makes the group take partitions back; as soon as it does, the broker, which is the coordinator, is gone.
fn coordinator_kill(stage: &mut Stage<'_>, round: &mut Round, random: &mut Random) -> Result<()> {
    let slot = stage.options.processes;
    let marks = stage.marks()?;
    let before = stage.crew.revokes();
    stage.crew.start(slot, &stage.proxy, random)?;
    wait_until("the group to take partitions back", stage.options.patience, || {
        (stage.check)()?;
        stage.crew.look_at_all()?;
        let alone = stage.crew.members().len() == 1;
        // A static member that takes the place of one of its name gets that one's partitions, and nobody gives any back.
        let placed = stage.options.protocol == Protocol::Static && stage.crew.holds(slot);
        Ok((alone || placed || stage.crew.revokes() > before).then_some(()))
    })?;
    stage.kafka.process().kill()?;
    stage.kafka.start_again()?;
    recover(stage, round, Fault::CoordinatorKill, &marks)?;
    let at = stage.crew.members().iter().position(|member| member.slot == slot);
    at.map_or(Ok(()), |at| stage.crew.terminate(at).map(drop))
}

/// All processes are killed; what they have committed has to be settled. Then something happens while nobody runs.
fn power_cut(
    stage: &mut Stage<'_>,
    round: &mut Round,
    random: &mut Random,
    meanwhile: impl FnOnce(&mut Stage<'_>, &mut Random) -> Result<()>,
) -> Result<()> {
    stage.fed()?;
    stage.kill_all()?;
    let (commits, ends, sight) = stage.look()?;
    let verdict = Verdict::of_commits(&oracle::lock(&stage.oracle), &sight, &commits, &ends);
    if !verdict.is_good() {
        round.violations.push(format!("after all were killed: {verdict}"));
    }
    round.commits_checked += commits.len() as u64;
    meanwhile(stage, random)?;
    let marks = stage.marks()?;
    let begin = Instant::now();
    stage.man(random)?;
    recover_since(stage, round, Fault::KillAll, &marks, begin)
}

fn storm(stage: &mut Stage<'_>, random: &mut Random) -> Result<()> {
    let often = 100 + random.below(400);
    // Sometimes all kinds, sometimes a few: a single kind goes deeper.
    let few = random.chance(500);
    let kinds: Vec<_> = proxy::Fault::ALL.into_iter().filter(|_| !few || random.chance(300)).collect();
    let met = |stage: &Stage<'_>| stage.proxy.faults().values().sum::<u64>();
    let goal = met(stage) + 20 + random.below(80);
    stage.proxy.set(Mode::Weather(Weather::new(random.next(), often, &kinds)));
    stage.feed((stage.options.records / 30).max(1), random);
    let begin = Instant::now();
    wait_until("the storm", stage.options.patience, || {
        (stage.check)()?;
        Ok((met(stage) >= goal || begin.elapsed() > Duration::from_secs(20)).then_some(()))
    })
}

/// Lets no process run while something happens, after so much was written to a topic that nobody has read. What a broker that was
/// killed has kept without saying so is taken note of before, as it can't be seen once it is removed.
fn unread<T>(
    stage: &mut Stage<'_>,
    (topic, kind): (&str, TopicKind),
    random: &mut Random,
    meanwhile: impl FnOnce(&mut Stage<'_>, &mut Random) -> Result<T>,
) -> Result<T> {
    stage.fed()?;
    stage.complete()?;
    stage.crew.signal(libc::SIGSTOP)?;
    stage.feed_one(topic, kind, (None, stage.options.records / 60), random);
    let result = stage.fed().and_then(|()| meanwhile(stage, random));
    stage.crew.signal(libc::SIGCONT)?;
    result
}

/// Writes records to a topic and removes some of them before they are read. Gives where its partitions were.
fn retention(stage: &mut Stage<'_>, random: &mut Random) -> Result<Marks> {
    let plain: Vec<_> = stage.topics.iter().filter(|(_, kind)| *kind == TopicKind::Plain).cloned().collect();
    let (topic, kind) = random.pick(&plain).clone();
    unread(stage, (&topic, kind), random, |stage, random| expire(stage, &topic, random))
}

/// Removes records above the commits.
fn expire(stage: &mut Stage<'_>, topic: &str, random: &mut Random) -> Result<Marks> {
    let marks: Marks = stage.marks()?.into_iter().filter(|(of, ..)| of == topic).collect();
    for (_, partition, committed) in &marks {
        let (making, end) = {
            let oracle = oracle::lock(&stage.oracle);
            let makings = oracle.makings(topic);
            (makings.len() - 1, makings[makings.len() - 1][*partition as usize].end())
        };
        let below = committed + random.below(end - committed + 1);
        if below > *committed && random.chance(500) {
            let place = (topic, making, *partition);
            oracle::lock(&stage.oracle).let_go(place, *committed..below, Removal::Retention);
            stage.kafka.delete_records(topic, *partition, i64::try_from(below)?)?;
        }
    }
    Ok(marks)
}

/// Writes records to a topic, deletes it before they are read, and makes it again; one of its partitions becomes longer than what
/// was committed of it before.
fn remake(stage: &mut Stage<'_>, topic: &str, kind: TopicKind, random: &mut Random) -> Result<()> {
    let far = unread(stage, (topic, kind), random, |stage, _| delete(stage, topic))?;
    stage.make(topic, kind)?;
    stage.feed_one(topic, kind, (None, stage.options.records / 10), random);
    if !far.is_empty() {
        let (partition, committed) = *random.pick(&far);
        stage.feed_one(topic, kind, (Some(partition), committed + 100), random);
    }
    stage.fed()
}

/// Deletes a topic. Gives how far its partitions were committed.
fn delete(stage: &mut Stage<'_>, topic: &str) -> Result<Vec<(i32, u64)>> {
    // What is committed at the end of the topic is settled; of the rest nobody knows.
    let commits = wait_until("the commits", stage.options.patience, || Ok(stage.commits.read().ok()))?;
    let own: Vec<_> = commits.iter().filter(|commit| commit.topic == topic).collect();
    let far = own.iter().filter(|commit| commit.offset > 0).map(|one| (one.partition, one.offset)).collect();
    {
        let mut oracle = oracle::lock(&stage.oracle);
        let making = oracle.makings(topic).len() - 1;
        for partition in 0..stage.options.partitions {
            let committed = own.iter().find(|commit| commit.partition == partition).map_or(0, |commit| commit.offset);
            oracle.let_go((topic, making, partition), committed..u64::MAX, Removal::Deletion);
        }
    }
    stage.kafka.delete_topic(topic)?;
    Ok(far)
}
