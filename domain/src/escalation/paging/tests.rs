use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

/// One delivery on its way since second 0.
fn sending() -> Paging {
    let attempt = Attempt {
        delivery: "1-ana-0".to_owned(),
        to: "person:ana".to_owned(),
        contact: 0,
        channel: "twilio_sms".to_owned(),
        attempt: 1,
        cause: "c".to_owned(),
    };
    let mut paging = Paging::default();
    paging.began(Position { round: 0, step: 0, catch_all: true }, &[], false, at(0));
    paging.sending(&[attempt], at(0));
    paging
}

/// Where it stands after each of `outcomes`, one a second.
fn after(outcomes: impl IntoIterator<Item = Outcome>) -> (Fate, Paging) {
    let mut paging = sending();
    for (outcome, second) in outcomes.into_iter().zip(1..) {
        paging.sent(&[("1-ana-0".to_owned(), outcome)], at(second));
    }
    (paging.deliveries[0].fate.clone(), paging)
}

fn accepted() -> Outcome {
    Outcome::Accepted { reference: Some("SM1".to_owned()) }
}

fn undelivered() -> Outcome {
    Outcome::Undelivered { reason: "unreachable".to_owned() }
}

#[test]
fn j04_accepted_is_not_delivered_and_either_order_of_the_news_comes_to_the_same() {
    for outcomes in [[accepted(), Outcome::Delivered], [Outcome::Delivered, accepted()]] {
        let (fate, _) = after(outcomes);
        let Fate::Accepted { reference, delivered_at, .. } = fate else { panic!("{fate:?}") };
        assert_eq!(reference.as_deref(), Some("SM1"));
        assert!(delivered_at.is_some());
    }
    let (fate, _) = after([accepted()]);
    assert!(matches!(fate, Fate::Accepted { delivered_at: None, .. }), "{fate:?}");
}

#[test]
fn j04_j05_what_did_not_arrive_has_failed_for_good_even_if_it_is_accepted_later() {
    for outcomes in [[accepted(), undelivered()], [undelivered(), accepted()]] {
        let (fate, paging) = after(outcomes);
        assert!(fate.is_final_failure(), "{fate:?}");
        assert!(fate.failed_at().is_some(), "the next contact is told");
        assert!(!paging.accepted_since_catch_all, "nobody was reached");
    }
    let (fate, _) = after([accepted(), Outcome::Delivered, undelivered()]);
    assert!(fate.is_accepted(), "what arrived has arrived");
}

#[test]
fn j12_what_is_held_back_is_counted_and_is_no_attempt() {
    let held = || Outcome::Held { until: at(900), reason: "5 messages in 15 min".to_owned() };
    let (fate, paging) = after([held()]);
    assert!(matches!(fate, Fate::Waiting { held: true, .. }), "{fate:?}");
    assert_eq!((paging.held, paging.deliveries[0].attempts), (1, 0));
    assert_eq!(paging.deliveries[0].again("d").attempt, 1);
}

#[test]
fn i07_an_answer_calls_off_what_waits_and_nothing_else() {
    let failed = Outcome::Failed { reason: "busy".to_owned(), retry_after: None };
    for (outcome, called_off) in [
        (Outcome::Held { until: at(900), reason: "busy".to_owned() }, true),
        (failed, true),
        (accepted(), false),
        (Outcome::Rejected { reason: "gone".to_owned() }, false),
    ] {
        let (_, mut paging) = after([outcome]);
        paging.call_off(Status::Acknowledged);
        let cancelled = Fate::Cancelled { reason: "the incident is acknowledged".to_owned() };
        assert_eq!(paging.deliveries[0].fate == cancelled, called_off);
    }
}

#[test]
fn what_a_step_left_open_is_told_as_it_ended() {
    let (_, mut paging) = after([Outcome::Held { until: at(900), reason: "busy".to_owned() }]);
    paging.began(Position { round: 0, step: 1, catch_all: false }, &[], false, at(300));
    assert_eq!(paging.deliveries[0].fate, Fate::Cancelled { reason: NEXT_STEP.to_owned() });
    let mut paging = sending();
    paging.began(Position { round: 0, step: 1, catch_all: false }, &[], false, at(300));
    assert!(paging.deliveries[0].fate.is_final_failure());
    assert_eq!(paging.to_send("c").count(), 0, "it is not sent again");
}

#[test]
fn a_record_from_before_there_were_these_words_reads_as_it_did() {
    let old = r#"{"fate":"accepted","at":"2026-11-21T12:00:00Z","shown":"triggered"}"#;
    let fate: Fate = serde_json::from_str(old).expect("an old fate");
    assert_eq!(serde_json::to_string(&fate).expect("JSON"), old);
    let old = r#"{"fate":"waiting","until":"2026-11-21T12:00:00Z","reason":"busy"}"#;
    let fate: Fate = serde_json::from_str(old).expect("an old fate");
    assert_eq!(serde_json::to_string(&fate).expect("JSON"), old);
}
