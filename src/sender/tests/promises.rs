//! What holds at every door, whatever arrives.

use std::collections::BTreeMap;
use std::io::Write;

use domain::signal::Action;
use domain::text;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use jiff::SignedDuration;
use proptest::prelude::*;

use super::super::*;
use super::{Sent, by_aws, fixtures, is_of_aws, now, policy};

#[test]
fn a21_an_address_has_its_methods_and_tells_them() {
    let table = [
        (Method::POST, "/v2/enqueue", Ok(Door::PagerdutyEvents)),
        (Method::POST, "/v2/change/enqueue", Ok(Door::PagerdutyChanges)),
        (Method::POST, "/v1/signals/generic", Ok(Door::Signals("generic".to_owned()))),
        (Method::POST, "/api/v2/alerts", Ok(Door::PrometheusAlerts)),
        (Method::GET, "/-/ready", Ok(Door::Health)),
        (Method::HEAD, "/-/healthy", Ok(Door::Health)),
        (Method::POST, "/-/ready", Err((405, Some("GET, HEAD")))),
        (Method::GET, "/v2/enqueue", Err((405, Some("POST")))),
        (Method::HEAD, "/v2/change/enqueue", Err((405, Some("POST")))),
        (Method::PUT, "/v1/signals/grafana", Ok(Door::Signals("grafana".to_owned()))),
        (Method::GET, "/v1/signals/generic", Err((405, Some("POST, PUT")))),
        (Method::POST, "/generic/2010-04-15/create_event.json", Ok(Door::PagerdutyV1)),
        (Method::POST, "/integrations/v1/formatted_webhook/t0ken/", Ok(Door::Oncall(Kind::Oncall))),
        (Method::POST, "/integrations/v1/alertmanager/t0ken/", Ok(Door::Oncall(Kind::Alertmanager))),
        (Method::POST, "/integrations/v1/elsewhere/t0ken/", Err((404, None))),
        (Method::OPTIONS, "/api/v2/alerts", Err((405, Some("POST")))),
        (Method::POST, "/", Err((404, None))),
        (Method::POST, "/v1/signals/", Err((404, None))),
        (Method::POST, "/v1/signals/a/b", Err((404, None))),
        (Method::POST, "/v2/enqueue/", Err((404, None))),
    ];
    for (method, path, expected) in table {
        let answer = door(&method, path).map_err(|refused| {
            let allow = refused.reply.headers.iter().find(|(name, _)| *name == "Allow");
            (refused.reply.status, allow.map(|(_, value)| value.clone()))
        });
        assert_eq!(answer, expected.map_err(|(status, allow)| (status, allow.map(str::to_owned))), "{method} {path}");
    }
}

#[test]
fn only_the_secrets_that_prove_who_is_there_are_fetched() {
    let policy = policy();
    let table = [
        (Door::PagerdutyEvents, vec!["ssm:/routing"]),
        (Door::PagerdutyChanges, vec!["ssm:/routing"]),
        (Door::PrometheusAlerts, vec!["ssm:/token"]),
        (Door::Signals("generic".to_owned()), vec!["ssm:/hook"]),
        (Door::Signals("open".to_owned()), vec![]),
        (Door::Signals("github".to_owned()), vec!["ssm:/shared"]),
        (Door::PagerdutyV1, vec!["ssm:/routing"]),
        (Door::Oncall(Kind::Oncall), vec!["ssm:/token"]),
        (Door::Oncall(Kind::Grafana), vec!["ssm:/shared"]),
        (Door::Signals("nobody".to_owned()), vec![]),
        (Door::Health, vec![]),
    ];
    for (door, expected) in table {
        let needed: Vec<&str> = secrets_needed(&door, &policy).iter().map(|reference| reference.0.as_str()).collect();
        assert_eq!(needed, expected, "{door:?}");
    }
}

#[test]
fn a11_a16_without_proof_nothing_is_taken_and_only_an_unknown_secret_is_worth_another_look() {
    let body = br#"{"type":"alert.resolved","key":"k"}"#;
    let generic = || Sent::new("/v1/signals/generic", body);
    let alerts = || Sent::new("/api/v2/alerts", b"[]");
    let group = || Sent::new("/v1/signals/alertmanager", br#"{"version":"4","alerts":[]}"#);
    let late = |sent: Sent, seconds| Sent { at: now() + SignedDuration::from_secs(seconds), ..sent };
    let table = [
        (generic(), 401, "signature", false),
        (generic().signed().with("webhook-id", "msg_2"), 401, "signature", true),
        (generic().signed().with("webhook-signature", "v1a,abc"), 401, "signature", true),
        (
            Sent { body: br#"{"key":"k","type":"alert.resolved"}"#.to_vec(), ..generic().signed() },
            401,
            "signature",
            true,
        ),
        (late(generic().signed(), 291), 401, "stale", false),
        (late(generic().signed(), -311), 401, "stale", false),
        (Sent { path: "/v1/signals/nobody".to_owned(), ..generic().signed() }, 404, "unknown_integration", false),
        (Sent { path: "/v1/signals/events".to_owned(), ..generic().signed() }, 404, "unknown_integration", false),
        (Sent { path: "/v1/signals/alertmanager".to_owned(), ..generic().signed() }, 401, "token", false),
        (Sent { path: "/v1/signals/broken".to_owned(), ..generic().signed() }, 503, "misconfigured", false),
        (alerts(), 401, "token", false),
        (alerts().with("authorization", "Bearer wrong"), 401, "token", true),
        (group(), 401, "token", false),
        (group().with("authorization", "Basic cHJvbTp3cm9uZw=="), 401, "token", true),
    ];
    for (sent, status, reason, secret_unknown) in table {
        let refused = sent.refused();
        let answer = (refused.reply.status, refused.reason, refused.secret_unknown);
        assert_eq!(answer, (status, reason, secret_unknown), "{}", sent.path);
    }
    for taken in [late(generic().signed(), 290), late(generic().signed(), -310), alerts().bearer(), group().bearer()] {
        assert!(taken.receive().is_ok(), "{}", taken.path);
    }
    assert!(
        group().with("authorization", "Bearer the-token-before").receive().is_ok(),
        "a token that is being replaced"
    );
    assert!(
        Sent { path: "/v1/signals/open".to_owned(), ..generic() }.receive().is_ok(),
        "an open door asks for nothing"
    );
    assert!(
        Sent { path: "/v1/signals/inside".to_owned(), ..group() }.receive().is_ok(),
        "an open door asks for nothing"
    );
}

#[test]
fn b13_a_body_of_the_wrong_kind_or_size_is_refused_before_it_is_verified() {
    let doors = [
        ("/v2/enqueue", LARGEST_EVENT),
        ("/v2/change/enqueue", LARGEST_EVENT),
        ("/generic/2010-04-15/create_event.json", LARGEST_EVENT),
        ("/api/v2/alerts", LARGEST),
        ("/v1/signals/generic", LARGEST),
    ];
    for (path, largest) in doors {
        let long = "x".repeat(largest + 1);
        let table = [
            (Sent::new(path, long.as_bytes()), 413),
            (Sent::new(path, b"{}").with("content-type", "application/x-www-form-urlencoded"), 415),
            (Sent::new(path, b"{}").with("content-encoding", "br"), 415),
            (Sent::new(path, b"{}").with("content-encoding", "gzip, gzip"), 415),
        ];
        for (sent, status) in table {
            assert_eq!(sent.refused().reply.status, status, "{path}");
        }
    }
}

/// `body` as gzip packs it.
pub(super) fn packed(body: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(body).and_then(|()| packed.finish()).expect("it is written to memory")
}

#[test]
fn a03_a_packed_body_says_what_it_says_unpacked_and_its_signature_is_of_what_came() {
    for (name, body) in fixtures().filter(|(name, _)| !name.starts_with("malformed-") && !is_of_aws(name)) {
        let plain = Sent::fixture(&name, &body).receive().expect("taken");
        let sent = Sent::fixture(&name, &packed(&body)).with("content-encoding", "gzip");
        let unpacked = sent.receive().expect("taken");
        let said = |received: &Received| -> Vec<_> {
            received.signals.iter().map(|signal| (signal.action, signal.at, signal.alert.clone())).collect()
        };
        assert_eq!(said(&unpacked), said(&plain), "{name}");
    }
    let (_, body) = fixtures().find(|(name, _)| name == "github-workflow-failure").expect("a fixture");
    let Sent { headers, .. } = Sent::fixture("github", &body);
    let sent = Sent { headers, ..Sent::new("/v1/signals/github", &packed(&body)) }.with("content-encoding", "gzip");
    assert_eq!(sent.refused().reason, "signature", "it signed something else than what came");
}

#[test]
fn a03_b18_a_small_body_that_stands_for_a_huge_one_is_refused_and_so_is_what_is_no_gzip() {
    let huge = packed(format!(r#"{{"type":"alert.resolved","key":"k","x":"{}"}}"#, " ".repeat(50_000_000)).as_bytes());
    assert!(huge.len() < LARGEST_EVENT);
    let whole = packed(br#"{"type":"alert.resolved","key":"k"}"#);
    let mut wrong_sum = whole.clone();
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    let table: [(&[u8], u16); 6] = [
        (&whole, 202),
        (&huge, 413),
        (&whole[..whole.len() - 1], 400),
        (&wrong_sum, 400),
        (br#"{"type":"alert.resolved","key":"k"}"#, 400),
        (b"", 400),
    ];
    for (body, status) in table {
        let sent = Sent::new("/v1/signals/generic", body).signed().with("content-encoding", "gzip");
        let answer = sent.receive().map_or_else(|refused| refused.reply, |received| received.reply);
        assert_eq!(answer.status, status, "{} bytes", body.len());
    }
    let refused = Sent::new("/v2/enqueue", &huge).with("content-encoding", "gzip").refused();
    assert_eq!(refused.reply.status, 413);
}

#[test]
fn b18_a_request_of_too_many_alerts_is_refused() {
    let alerts = |count| format!("[{}]", vec![r#"{"labels":{"a":"b"}}"#; count].join(","));
    assert_eq!(
        Sent::new("/api/v2/alerts", alerts(MOST_ALERTS).as_bytes()).bearer().receive().map(|all| all.signals.len()),
        Ok(MOST_ALERTS)
    );
    let many = alerts(MOST_ALERTS + 1);
    assert_eq!(Sent::new("/api/v2/alerts", many.as_bytes()).bearer().refused().reply.status, 413);
    let group = format!(
        r#"{{"version":"4","alerts":{}}}"#,
        many.replace('}', r#","status":"firing"}"#).replace(r#""b","status":"firing"},"#, r#""b"},"#)
    );
    assert_eq!(Sent::new("/v1/signals/alertmanager", group.as_bytes()).bearer().refused().reply.status, 413);
}

#[test]
fn a17_a18_a_message_that_is_sent_again_is_the_same_signal_and_as_old_as_before() {
    let sent = Sent::fixture("generic", br#"{"type":"alert.triggered","key":"k","title":"t"}"#);
    let first = sent.receive().expect("taken");
    let again = Sent { at: now() + SignedDuration::from_secs(200), id: "request-2".to_owned(), ..sent };
    let again = again.receive().expect("taken");
    assert_eq!(first.reply, again.reply);
    assert_eq!((&first.signals[0].id, first.signals[0].at), (&again.signals[0].id, again.signals[0].at));
    assert!(first.signals[0].unique_since <= now() - SignedDuration::from_secs(300));
}

#[test]
fn an_end_that_prometheus_tells_again_is_the_same_signal_and_a_firing_alert_is_another() {
    let told = |fixture: &str, minutes, id: &str| {
        let (_, body) = fixtures().find(|(name, _)| name == fixture).expect("a fixture");
        let at = now() + SignedDuration::from_mins(minutes);
        let sent = Sent { at, id: id.to_owned(), ..Sent::fixture(fixture, &body) };
        sent.receive().expect("taken").signals.remove(0)
    };
    let ends = [told("prometheus-resolved", 0, "a"), told("prometheus-resolved", 14, "b")];
    assert_eq!((ends[0].action, &ends[0].id), (Action::Resolve, &ends[1].id));
    let fires = [told("prometheus-firing", 0, "a"), told("prometheus-firing", 1, "b")];
    assert_eq!(fires[0].action, Action::Trigger);
    assert_ne!(fires[0].id, fires[1].id);
    assert_eq!(fires[0].fingerprint, ends[0].fingerprint, "the labels alone name the problem");
    assert_eq!(told("prometheus-firing", 5, "c").action, Action::Resolve, "an end that has passed meanwhile");
}

#[test]
fn two_senders_with_the_same_key_do_not_speak_of_the_same_problem() {
    let body = br#"{"type":"alert.resolved","key":"k"}"#;
    let generic = Sent::fixture("generic", body).receive().expect("taken").signals.remove(0);
    let open = Sent::new("/v1/signals/open", body).receive().expect("taken").signals.remove(0);
    assert_ne!(generic.fingerprint, open.fingerprint);
}

#[test]
fn b11_d05_a_hostile_alert_is_cut_to_what_an_incident_can_hold() {
    let title = "\u{1f4a3}".repeat(20_000);
    let labels: BTreeMap<String, String> = (0..500).map(|n| (format!("label{n}"), "\u{1}".repeat(10))).collect();
    let details = "y".repeat(40_000);
    let body = serde_json::json!({ "type": "alert.triggered", "key": title, "title": title, "source": title,
        "service": title, "labels": labels, "details": details });
    // The key is longer than what is kept of it, and still names one problem.
    let mut cut = body.clone();
    cut["key"] = format!("{title}!").into();
    let signals = [body, cut].map(|body| {
        let sent = Sent::fixture("generic", body.to_string().as_bytes());
        sent.receive().map(|mut received| received.signals.remove(0))
    });
    let [Ok(signal), Ok(other)] = signals else { panic!("{signals:?}") };
    assert_ne!(signal.fingerprint, other.fingerprint);
    assert!(signal.alert.title.ends_with(text::CUT));
    assert!(serde_json::to_string(&signal).expect("plain JSON").len() < 200 * 1024);
}

proptest! {
    #[test]
    fn a02_whatever_arrives_at_any_door_nothing_panics_and_nothing_is_our_fault(
        place in 0..5_usize,
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200).boxed(),
            "[\\[\\]{}\":,0-9eE+.a-z\\\\u ]{0,120}".prop_map(String::into_bytes).boxed(),
        ],
        proven in any::<bool>(),
    ) {
        prop_assert!(at(place, &body, proven));
    }

    #[test]
    fn a_fixture_with_any_bytes_changed_never_makes_us_fail(
        which in any::<prop::sample::Index>(),
        place in 0..5_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in any::<prop::sample::Index>(),
    ) {
        let all: Vec<_> = fixtures().collect();
        let (_, body) = which.get(&all);
        let mut body = body.clone();
        for (index, byte) in changes.iter().filter(|_| !all.is_empty()) {
            if !body.is_empty() {
                let index = index.index(body.len());
                body[index] = *byte;
            }
        }
        if let Ok(event) = serde_json::from_slice(&body) {
            let _ = by_aws(&event, &policy(), now());
        }
        body.truncate(length.index(body.len() * 2 + 1));
        prop_assert!(at(place, &body, true));
    }
}

/// Sends `body` to a door; whether what came of it is sound.
fn at(place: usize, body: &[u8], proven: bool) -> bool {
    let doors =
        ["/v2/enqueue", "/v2/change/enqueue", "/api/v2/alerts", "/v1/signals/generic", "/v1/signals/alertmanager"];
    let mut sent = Sent::new(doors[place], body);
    if proven {
        sent = sent.bearer().signed();
    }
    match sent.receive() {
        Err(refused) => (400..500).contains(&refused.reply.status),
        Ok(received) => {
            let bounded = received.signals.iter().all(|signal| signal.alert.title.chars().count() <= text::TITLE);
            bounded && [200, 202, 400].contains(&received.reply.status)
        }
    }
}
