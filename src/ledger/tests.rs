use proptest::prelude::*;

use super::*;
use crate::record::DropReason;

fn ledger(offsets: &[i64]) -> Ledger {
    let mut ledger = Ledger::new(0);
    assert_eq!(ledger.receive(offsets.iter().map(|offset| (*offset, 1000 + offset))), Ok(0));
    for seq in 0..offsets.len() {
        ledger.units(seq as u64, 1).unwrap();
    }
    ledger
}

#[test]
fn the_watermark_waits_at_a_hole() {
    let mut ledger = ledger(&[0, 1, 2]);
    ledger.settle(2, Fate::Indexed).unwrap();
    ledger.settle(1, Fate::Indexed).unwrap();
    assert_eq!((ledger.committable(), ledger.in_flight(), ledger.oldest_timestamp()), (0, 1, Some(1000)));
    ledger.settle(0, Fate::Indexed).unwrap();
    assert_eq!((ledger.committable(), ledger.in_flight(), ledger.oldest_timestamp()), (3, 0, None));
}

#[test]
fn gaps_do_not_stall_it_and_are_not_committed_before_their_turn() {
    let mut ledger = ledger(&[3, 10, 70]);
    ledger.settle(0, Fate::Indexed).unwrap();
    assert_eq!(ledger.committable(), 4);
    ledger.settle(1, Fate::Duplicate).unwrap();
    assert_eq!(ledger.committable(), 11);
}

#[test]
fn the_position_counts_once_everything_before_it_is_settled() {
    let mut ledger = ledger(&[0, 1]);
    ledger.at_position(9);
    ledger.settle(0, Fate::Indexed).unwrap();
    assert_eq!(ledger.committable(), 1);
    ledger.settle(1, Fate::Indexed).unwrap();
    assert_eq!(ledger.committable(), 9);
    ledger.at_position(12);
    assert_eq!(ledger.committable(), 12);
    ledger.at_position(5);
    assert_eq!(ledger.committable(), 12, "a position never moves it back");
}

#[test]
fn contradictions_change_nothing() {
    let mut ledger = ledger(&[5, 6]);
    let back = ledger.receive([(7, -1), (7, -1)].into_iter());
    assert_eq!(back, Err(Contradiction::OffsetWentBack { last: 7, offered: 7 }));
    assert_eq!(ledger.counts().received, 2);
    assert_eq!(ledger.settle(2, Fate::Indexed), Err(Contradiction::NotInFlight(2)));
    ledger.settle(1, Fate::Indexed).unwrap();
    assert_eq!(ledger.settle(1, Fate::Indexed), Err(Contradiction::NotInFlight(1)));
    assert_eq!(ledger.units(0, 2), Err(Contradiction::Units(0)));
    assert_eq!((ledger.in_flight(), ledger.committable()), (1, 0));
    let before_start = Ledger::new(10).receive([(9, -1)].into_iter());
    assert_eq!(before_start, Err(Contradiction::OffsetWentBack { last: 9, offered: 9 }));
}

#[test]
fn a_record_takes_the_first_fate_that_applies_once_all_its_units_are_settled() {
    let mut ledger = Ledger::new(0);
    ledger.receive([(0, -1)].into_iter()).unwrap();
    assert_eq!(ledger.settle(0, Fate::Indexed), Err(Contradiction::Units(0)));
    ledger.units(0, 3).unwrap();
    assert_eq!(ledger.settle(0, Fate::Duplicate), Ok(None));
    assert_eq!(ledger.settle(0, Fate::DeadLettered(Stage::Elasticsearch)), Ok(None));
    assert_eq!(ledger.settle(0, Fate::Indexed), Ok(Some(Fate::DeadLettered(Stage::Elasticsearch))));
    let expected = Counts { received: 1, dead_lettered: 1, ..Counts::default() };
    assert_eq!((ledger.counts(), ledger.is_settled()), (expected, true));
}

proptest! {
    /// Whatever the gaps, units and order of settling: the watermark never passes an unsettled record, never goes back,
    /// the counts add up at every step, and at the end everything is committable.
    #[test]
    fn any_order_of_settling(
        gaps in prop::collection::vec((1_i64..5, 1_u32..4), 1..40),
        order in prop::collection::vec(any::<prop::sample::Index>(), 160),
        chunks in 1_usize..5,
    ) {
        let mut ledger = Ledger::new(0);
        let mut offsets = Vec::new();
        let mut offset = -1;
        for (gap, _) in &gaps {
            offset += gap;
            offsets.push(offset);
        }
        for chunk in offsets.chunks(chunks) {
            ledger.receive(chunk.iter().map(|offset| (*offset, -1))).unwrap();
        }
        let mut waiting = Vec::new();
        for (seq, (_, units)) in gaps.iter().enumerate() {
            ledger.units(seq as u64, *units).unwrap();
            waiting.extend(std::iter::repeat_n(seq as u64, *units as usize));
        }
        let mut left: Vec<u32> = gaps.iter().map(|(_, units)| *units).collect();
        let mut order = order.iter().cycle();
        let mut before = 0;
        while !waiting.is_empty() {
            let seq = waiting.swap_remove(order.next().unwrap().index(waiting.len()));
            let settled = ledger.settle(seq, Fate::Dropped(DropReason::Pipeline)).unwrap();
            left[seq as usize] -= 1;
            prop_assert_eq!(settled.is_some(), left[seq as usize] == 0);
            let first_open = left.iter().position(|left| *left > 0);
            let expected = match first_open {
                Some(0) => 0,
                Some(open) => offsets[open - 1] + 1,
                None => offset + 1,
            };
            prop_assert_eq!(ledger.committable(), expected);
            prop_assert!(ledger.committable() >= before);
            before = ledger.committable();
            let counts = ledger.counts();
            let open = left.iter().filter(|left| **left > 0).count() as u64;
            prop_assert_eq!(counts.received, counts.settled() + open);
            prop_assert_eq!(ledger.in_flight(), open);
        }
        prop_assert!(ledger.is_settled());
    }
}

#[test]
fn what_was_needed_behind_a_record_that_did_not_settle_is_given_back() {
    let mut ledger = Ledger::new(0);
    let most = 100_000;
    for from in (0..most).step_by(1000) {
        ledger.receive((from..from + 1000).map(|offset| (offset, 0))).unwrap();
    }
    let full = ledger.footprint();
    (0..most as u64).for_each(|seq| ledger.units(seq, 1).unwrap());
    for seq in 1..most as u64 - 10 {
        ledger.settle(seq, Fate::Indexed).unwrap();
    }
    assert_eq!(ledger.footprint(), full, "they wait for the first");
    ledger.settle(0, Fate::Indexed).unwrap();
    while ledger.in_flight() > 1 {
        let next = most as u64 - ledger.in_flight();
        ledger.settle(next, Fate::Indexed).unwrap();
    }
    assert!(ledger.footprint() < full / 100, "{} of {full}", ledger.footprint());
    ledger.settle(most as u64 - 1, Fate::Indexed).unwrap();
    assert_eq!((ledger.footprint(), ledger.committable()), (0, most));
}
