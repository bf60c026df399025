//! Requests that do not come back.

use super::*;

/// Requests by index.
fn sent_to(effects: &[Effect]) -> Vec<(String, RequestId)> {
    let to = |effect: &Effect| match effect {
        Effect::Send { request, index, .. } => Some((index.to_string(), *request)),
        _ => None,
    };
    effects.iter().filter_map(to).collect()
}

impl Bench {
    fn done(&mut self, now: Moment, request: RequestId) -> Vec<Effect> {
        self.step(now, Input::Answered(request, Outcome::Answer(Answer { items: vec![item(201)] })))
    }

    fn silent(&mut self, now: Moment, request: RequestId) -> Vec<Effect> {
        self.step(now, Input::Answered(request, Outcome::Unknown("no answer in time".into())))
    }
}

#[test]
fn an_index_that_never_answers_keeps_no_other_from_going_on() {
    let mut bench = Bench::new();
    // All that may be out is.
    let mut of_a: Vec<(Moment, RequestId)> =
        (0..6).flat_map(|offset| bench.submit("a", &[(1, offset)])).map(|sent| (at(0), sent.0)).collect();
    assert_eq!(of_a.len(), 3);
    for offset in 100..600 {
        bench.step(at(0), Input::Submit(bulk("b", &[(2, offset)])));
    }
    // One asks whether it is the cluster.
    let (mut now, effects) = bench.wake(at(0));
    assert!(
        matches!(&effects[..], [Effect::Check(index)] if &**index == "b") && now == at(2000),
        "{now:?} {effects:?}"
    );
    let first = sent_to(&bench.step(now, Input::Checked("b".into(), Ok(NameIs::Index))));
    let [(_, mut request)] = first[..] else { panic!("{first:?}") };
    // It is not: from now on as many are out as may be, however long the others are away.
    let (mut of_b, mut done) = (std::collections::VecDeque::new(), 1);
    let (mut most_of_a, mut tries) = (0, 3);
    loop {
        now = now + Duration::from_millis(100);
        let mut effects = bench.done(now, request);
        while let Some((_, given_up)) =
            of_a.first().filter(|(sent_at, _)| now >= *sent_at + Duration::from_secs(20)).copied()
        {
            of_a.remove(0);
            effects.extend(bench.silent(now, given_up));
        }
        assert_eq!(notices(&effects), Vec::<&Notice>::new());
        for (index, request) in sent_to(&effects) {
            match &*index {
                "a" => {
                    tries += 1;
                    of_a.push((now, request));
                }
                _ => of_b.push_back(request),
            }
        }
        if now > at(30_000) {
            most_of_a = most_of_a.max(of_a.len());
        }
        let Some(next) = of_b.pop_front() else { break };
        // Those of the other index that may come back still have their turn.
        let young = of_a.iter().filter(|(sent_at, _)| now.since(*sent_at) < Duration::from_secs(2)).count();
        let (out, limit) = (of_b.len() + 1 + young, bench.dispatch.under_way(now).1);
        assert!(done > 490 || out >= limit, "{out} of {limit} are out after {done}, at {now:?}");
        (request, done) = (next, done + 1);
    }
    assert_eq!((done, most_of_a), (500, 1), "that index is asked by one request at a time");
    assert!((5..10).contains(&tries), "{tries}");
    assert_eq!(bench.dispatch.gate, Gate::Open);
}

#[test]
fn a_cluster_that_does_not_answer_is_asked_by_all_until_the_first_is_given_up() {
    let mut bench = Bench::new();
    let [(first, _)] = bench.submit("a", &[(1, 0)])[..] else { panic!() };
    let [(second, _)] = bench.submit("b", &[(1, 1)])[..] else { panic!() };
    let [(last, _)] = bench.submit("c", &[(1, 2)])[..] else { panic!() };
    // What was answered at the beginning says nothing about the rest of the time.
    bench.done(at(29_000), last);
    let effects = bench.silent(at(60_000), first);
    assert!(matches!(notices(&effects)[..], [Notice::Unavailable(_)]), "{effects:?}");
    assert!(sent_to(&bench.silent(at(60_000), second)).is_empty());
    // One at a time asks whether it is back.
    let (now, effects) = bench.wake(at(60_000));
    let mut out = sent_to(&effects);
    let now = if out.is_empty() {
        let (now, effects) = bench.wake(now);
        out = sent_to(&effects);
        now
    } else {
        now
    };
    let [(_, probe)] = out[..] else { panic!("{out:?}") };
    let effects = bench.done(now + Duration::from_secs(1), probe);
    assert!(matches!(notices(&effects)[..], [Notice::Available]), "{effects:?}");
    assert_eq!(sent_to(&effects).len(), 1);
}

#[test]
fn what_is_out_from_before_does_not_keep_a_probe_from_being_sent() {
    let mut bench = Bench::new();
    bench.submit("a", &[(1, 0)]);
    let [(refused, _)] = bench.submit("b", &[(1, 1)])[..] else { panic!() };
    let effects = bench.step(at(10), Input::Answered(refused, Outcome::NotSent("refused".into())));
    assert!(matches!(notices(&effects)[..], [Notice::Unavailable(_)]));
    let (now, effects) = bench.wake(at(10));
    assert!(sent_to(&effects).is_empty(), "a's may come back still");
    let (now, effects) = bench.wake(now);
    assert_eq!((now, &*sent_to(&effects)[0].0), (at(2000), "b"));
}

#[test]
fn a_single_index_has_the_whole_limit_though_one_of_its_requests_is_late() {
    let mut bench = Bench::new();
    let out: Vec<RequestId> = (0..6).flat_map(|offset| bench.submit("a", &[(1, offset)])).map(|sent| sent.0).collect();
    bench.done(at(5000), out[1]);
    assert_eq!(
        bench.dispatch.under_way(at(5000)),
        (3, 3),
        "in the place of one that came back, though others are late"
    );
    assert_eq!(sent_to(&bench.step(at(9000), Input::Tick)), [], "and no more");
}

/// What an index does with a request.
#[derive(Clone, Copy)]
enum Does {
    Answers,
    /// Answers that one document has to come again.
    IsBusy,
    /// Answers that all have to come again, after a quarter of a minute: a shard is away.
    IsAway,
    /// Answers nothing.
    Hangs,
    /// Answers that all documents are there, and tells nothing of them.
    HasAll,
}

/// Indices that each have more to do than can be done, and what came of it.
struct Play {
    bench: Bench,
    now: Moment,
    out: Vec<(Moment, String, Effect)>,
    done: std::collections::HashMap<String, Vec<Moment>>,
}

impl Play {
    /// With so many requests at most, and bulks of two documents for each index, in this order.
    fn new(concurrency: usize, indices: &[&str]) -> Self {
        let mut bench = Bench::unprepared();
        let settings = Settings { concurrency, ..bench.dispatch.settings };
        bench.dispatch = Dispatch::new(settings, Chance::new(1));
        for input in [Input::Begin(HoldingId(1)), Input::Prepared(Ok(()))] {
            bench.step(at(0), input);
        }
        let mut play = Self { bench, now: at(0), out: Vec::new(), done: Default::default() };
        for index in indices {
            for offset in 0..2000 {
                play.step(Input::Submit(bulk(index, &[(1, 2 * offset), (1, 2 * offset + 1)])));
            }
        }
        play
    }

    fn step(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for effect in self.bench.step(self.now, input) {
                match &effect {
                    Effect::Check(index) => inputs.push(Input::Checked(Arc::clone(index), Ok(NameIs::Index))),
                    Effect::Send { index, .. } | Effect::LookUp { index, .. } => {
                        self.out.push((self.now, index.to_string(), effect));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Goes on until a moment. An answer takes half a second, and what does not come back is given up after half a minute.
    fn go_on(&mut self, until: Moment, does: impl Fn(&str, Moment) -> Does) {
        while self.now < until {
            self.now = self.now + Duration::from_millis(500);
            let now = self.now;
            let comes_back = |(sent_at, index, effect): &mut (Moment, String, Effect)| {
                let takes = match (does(index, *sent_at), effect) {
                    (Does::Hangs, _) | (Does::HasAll, Effect::LookUp { .. }) => 30_000,
                    (Does::IsAway, _) => 15_000,
                    (Does::Answers | Does::IsBusy | Does::HasAll, _) => 500,
                };
                now >= *sent_at + Duration::from_millis(takes)
            };
            for (sent_at, index, effect) in self.out.extract_if(.., comes_back).collect::<Vec<_>>() {
                let answer = |items| Outcome::Answer(Answer { items });
                let input = match (does(&index, sent_at), effect) {
                    (_, Effect::LookUp { request, .. }) => Input::LookedUp(request, Err("no shard".into())),
                    (does, Effect::Send { request, documents, .. }) => {
                        let outcome = match does {
                            Does::Hangs => Outcome::Unknown("no answer in time".into()),
                            Does::HasAll => answer(vec![item(409); documents]),
                            Does::IsAway => answer(vec![item(503); documents]),
                            Does::IsBusy if documents > 1 => answer(vec![item(201), item(503)]),
                            Does::Answers | Does::IsBusy => answer(vec![item(201); documents]),
                        };
                        if matches!(does, Does::Answers | Does::IsBusy) {
                            self.done.entry(index).or_default().push(now);
                        }
                        Input::Answered(request, outcome)
                    }
                    other => panic!("{:?}", other.1),
                };
                self.step(input);
            }
            self.step(Input::Tick);
        }
    }

    /// How many requests an index answered since a moment.
    fn done(&self, index: &str, since: Moment) -> usize {
        self.done.get(index).map_or(0, |done| done.iter().filter(|at| **at > since).count())
    }
}

fn hang(index: &str) -> bool {
    index.starts_with("hangs")
}

#[test]
fn many_indices_that_do_not_answer_keep_none_from_going_on_that_does() {
    let names: Vec<String> = (0..20).map(|number| format!("hangs-{number}")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.push("there");
    // One that answers quickly may answer that something has to come again; one that is away may say so after long.
    for (answers, hangs) in [
        (Does::Answers, Does::Hangs),
        (Does::IsBusy, Does::Hangs),
        (Does::Answers, Does::IsAway),
        (Does::IsBusy, Does::IsAway),
    ] {
        let mut play = Play::new(3, &names);
        play.go_on(at(600_000), |index, _| if hang(index) { hangs } else { answers });
        let done = play.done("there", at(300_000));
        assert!(done >= 300, "one at a time is one each half second: {done} in five minutes");
    }
}

#[test]
fn an_index_that_answers_again_has_its_turn_however_many_hang() {
    for concurrency in [1, 2] {
        let mut play = Play::new(concurrency, &["there", "hangs-0", "hangs-1", "hangs-2", "back"]);
        play.go_on(at(600_000), |index, now| match index {
            "back" if now < at(60_000) => Does::Hangs,
            _ if hang(index) => Does::Hangs,
            _ => Does::Answers,
        });
        let done = (play.done("there", at(400_000)), play.done("back", at(400_000)));
        assert!(done.0 >= 100 && done.1 >= 100, "{done:?} in 200 seconds");
    }
}

#[test]
fn look_ups_that_hang_keep_no_index_from_going_on() {
    let mut play = Play::new(2, &["hangs-0", "hangs-1", "hangs-2", "hangs-3", "there"]);
    play.go_on(at(600_000), |index, _| if hang(index) { Does::HasAll } else { Does::Answers });
    let done = play.done("there", at(300_000));
    assert!(done >= 300, "{done} in five minutes");
    // And one that hung before has its turn.
    let mut play = Play::new(2, &["hangs-0", "hangs-1", "hangs-2", "hangs-3", "back"]);
    play.go_on(at(600_000), |index, now| match index {
        "back" if now < at(60_000) => Does::Hangs,
        _ if hang(index) => Does::HasAll,
        _ => Does::Answers,
    });
    let done = play.done("back", at(400_000));
    assert!(done >= 100, "{done} in 200 seconds");
}

#[test]
fn what_hangs_does_not_keep_a_cluster_that_is_back_from_being_asked() {
    let mut bench = Bench::new();
    let [(first, _)] = bench.submit("b", &[(1, 1)])[..] else { panic!() };
    bench.step(at(0), Input::Submit(bulk("a", &[(1, 0)])));
    let effects = bench.step(at(55_000), Input::Checked("a".into(), Ok(NameIs::Index)));
    assert_eq!(sent_to(&effects).len(), 1);
    let effects = bench.silent(at(60_000), first);
    assert!(matches!(notices(&effects)[..], [Notice::Unavailable(_)]), "{effects:?}");
    let (mut now, mut effects) = bench.wake(at(60_000));
    while sent_to(&effects).is_empty() {
        (now, effects) = bench.wake(now);
    }
    assert!(now < at(61_000) && sent_to(&effects)[0].0 == "b", "{now:?}");
}

#[test]
fn a_name_that_is_asked_about_for_long_keeps_nobody_from_going_on() {
    let mut bench = Bench::new();
    let [(refused, _)] = bench.submit("b", &[(1, 1)])[..] else { panic!() };
    // Nothing comes back of these.
    for (offset, index) in ["c", "d"].into_iter().enumerate() {
        bench.step(at(0), Input::Submit(bulk(index, &[(1, 10 + offset as i64)])));
    }
    let effects = bench.step(at(10), Input::Answered(refused, Outcome::NotSent("refused".into())));
    assert!(matches!(notices(&effects)[..], [Notice::Unavailable(_)]));
    let (mut now, mut effects) = bench.wake(at(10));
    while sent_to(&effects).is_empty() {
        (now, effects) = bench.wake(now);
    }
    assert_eq!((now, &*sent_to(&effects)[0].0), (at(2000), "b"), "it asks whether the cluster is back");
    // It is: that a name is not answered says nothing of others.
    bench.done(at(9000), sent_to(&effects)[0].1);
    let effects = bench.step(at(10_000), Input::Checked("c".into(), Err("no answer in time".into())));
    assert_eq!(notices(&effects), Vec::<&Notice>::new());
    assert_eq!(bench.dispatch.gate, Gate::Open);
    // What fails at once is told of.
    bench.wake(at(10_000));
    let effects = bench.step(at(30_000), Input::Checked("d".into(), Err("no answer in time".into())));
    assert!(matches!(notices(&effects)[..], [Notice::Unavailable(_)]), "nothing was heard: {effects:?}");
}

#[test]
fn an_index_whose_name_nobody_can_tell_of_is_a_refusal_of_theirs() {
    let mut bench = Bench::new();
    let [(request, _)] = bench.submit("b", &[(2, 0)])[..] else { panic!() };
    assert!(matches!(&bench.step(at(0), Input::Submit(bulk("a", &[(1, 0)])))[..], [Effect::Check(_)]));
    // The others are answered long after the check was sent, and just before it is given up.
    bench.done(at(29_000), request);
    bench.step(at(30_000), Input::Checked("a".into(), Err("no answer in time".into())));
    assert_eq!(bench.dispatch.gate, Gate::Open);
    assert!(bench.dispatch.is_refused(), "nothing is wrong in this process");
    let (now, _) = bench.wake(at(30_000));
    bench.step(now, Input::Checked("a".into(), Ok(NameIs::Index)));
    assert!(!bench.dispatch.is_refused());
}

#[test]
fn a_late_check_does_not_stand_for_the_template() {
    let mut bench = Bench::new();
    assert!(matches!(&bench.step(at(0), Input::Submit(bulk("a", &[(1, 0)])))[..], [Effect::Check(_)]));
    // The cluster is away; what waits is over, so the template has to say when it is back.
    let [(request, _)] = bench.submit("b", &[(2, 0)])[..] else { panic!() };
    bench.step(at(10), Input::Answered(request, Outcome::NotSent("refused".into())));
    for holding in [1, 2] {
        bench.step(at(20), Input::End(HoldingId(holding)));
    }
    assert_eq!(sent(&bench.wake(at(20)).1), []);
    let now = at(5_000);
    let effects = bench.step(now, Input::Tick);
    assert!(matches!(effects[..], [Effect::Prepare]), "{effects:?}");
    let now = now + Duration::from_millis(10);
    bench.step(now, Input::Prepared(Err("refused".into())));
    let (now, effects) = bench.wake(now);
    assert!(matches!(effects[..], [Effect::Prepare]), "{effects:?}");
    // The check is given up only now.
    bench.step(now, Input::Checked("a".into(), Err("no answer in time".into())));
    bench.step(now, Input::Begin(HoldingId(1)));
    bench.step(now, Input::Submit(bulk("c", &[(1, 1)])));
    let (_, effects) = bench.wake(now);
    assert!(matches!(effects[..], [Effect::Prepare]), "nothing is sent before the template is there: {effects:?}");
}
