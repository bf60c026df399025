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

#[test]
fn many_indices_that_do_not_answer_keep_none_from_going_on_that_does() {
    let mut bench = Bench::new();
    let mut out: Vec<(Moment, String, RequestId)> = Vec::new();
    let mut now = at(0);
    let take = |bench: &mut Bench, out: &mut Vec<_>, now: Moment, effects: Vec<Effect>| {
        let mut effects = effects;
        while let Some(Effect::Check(index)) = effects.iter().find(|effect| matches!(effect, Effect::Check(_))) {
            let index = Arc::clone(index);
            out.extend(sent_to(&effects).into_iter().map(|(index, request)| (now, index, request)));
            effects = bench.step(now, Input::Checked(index, Ok(NameIs::Index)));
        }
        out.extend(sent_to(&effects).into_iter().map(|(index, request)| (now, index, request)));
    };
    // Far more than may be out, none of which answers, and one that does.
    for index in 0..20 {
        for offset in 0..100 {
            let effects = bench.step(now, Input::Submit(bulk(&format!("away-{index}"), &[(1, offset)])));
            take(&mut bench, &mut out, now, effects);
        }
    }
    for offset in 0..4000 {
        let effects = bench.step(now, Input::Submit(bulk("there", &[(2, offset)])));
        take(&mut bench, &mut out, now, effects);
    }
    let mut done = 0;
    while now < at(600_000) {
        now = now + Duration::from_millis(500);
        let given_up = |(sent_at, index, _): &mut (Moment, String, RequestId)| {
            index == "there" || now >= *sent_at + Duration::from_secs(30)
        };
        for (_, index, request) in out.extract_if(.., given_up).collect::<Vec<_>>() {
            let is_there = index == "there";
            done += usize::from(is_there && now > at(300_000));
            let effects = if is_there { bench.done(now, request) } else { bench.silent(now, request) };
            take(&mut bench, &mut out, now, effects);
        }
        let effects = bench.step(now, Input::Tick);
        take(&mut bench, &mut out, now, effects);
    }
    assert!(done >= 600, "one at a time is one each half second: {done} in five minutes");
}
