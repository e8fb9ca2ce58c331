//! How each sender proves who it is, as its integration says, and what is refused.

use domain::policy::Proof;
use http::{HeaderValue, Method};
use jiff::SignedDuration;

use super::super::verify::table::{GRAFANA_SIGNATURE, Scheme};
use super::super::*;
use super::{HOOK_SECRET, SHARED, Sent, fixtures, now, policy};

fn body(name: &str) -> Vec<u8> {
    fixtures().find(|(known, _)| known == name).expect("a fixture").1
}

#[test]
fn only_grafana_may_put_what_others_post() {
    let grafana = Sent { method: Method::PUT, ..Sent::fixture("grafana", &body("grafana-firing")) };
    assert!(grafana.receive().is_ok());
    let generic = Sent { method: Method::PUT, ..Sent::fixture("generic", br#"{"type":"alert.resolved","key":"k"}"#) };
    let refused = generic.refused().reply;
    assert_eq!((refused.status, refused.headers.as_slice()), (405, &[("Allow", "POST".to_owned())][..]));
}

#[test]
fn at_the_addresses_of_oncall_the_token_says_which_integration_it_is() {
    let at = |kind: &str, token: &str, name: &str| Sent::new(&format!("/integrations/v1/{kind}/{token}/"), &body(name));
    let taken = [
        (at("formatted_webhook", "a-token-of-prometheus", "oncall-alerting"), "oncall"),
        (at("formatted_webhook", "the-token-before", "oncall-ok"), "oncall"),
        (at("alertmanager", "a-token-of-prometheus", "alertmanager-firing"), "alertmanager"),
    ];
    for (sent, integration) in taken {
        assert_eq!(sent.receive().map(|received| received.integration), Ok(integration.to_owned()), "{}", sent.path);
    }
    // Grafana's integration here asks for a signature, and a token in an address is none.
    for sent in [
        at("formatted_webhook", "wrong", "oncall-alerting"),
        at("alertmanager", "wrong", "alertmanager-firing"),
        at("grafana_alerting", SHARED, "grafana-firing"),
    ] {
        let refused = sent.refused();
        assert_eq!((refused.reply.status, refused.secret_unknown), (401, true), "{}", sent.path);
    }
}

#[test]
fn every_signed_sender_is_refused_without_its_signature_and_with_that_of_another() {
    let names = [
        "github-workflow-failure",
        "grafana-firing",
        "intercom-conversation-created",
        "pagerdutywebhook-triggered",
        "sentry-issue-alert",
        "zendesk-ticket-created",
    ];
    for name in names {
        let good = Sent::fixture(name, &body(name));
        assert!(good.receive().is_ok(), "{name}");
        let bare = Sent::new(&good.path, &good.body);
        assert_eq!(bare.refused().reason, "signature", "{name}: no signature");
        let token = bare.with("authorization", &format!("Bearer {SHARED}"));
        assert_eq!(token.refused().reason, "signature", "{name}: the secret itself");
        for other in names.iter().filter(|other| **other != name) {
            let Sent { headers, .. } = Sent::fixture(other, &good.body);
            let refused = Sent { headers, ..good.clone() }.refused();
            assert_eq!(refused.reason, "signature", "{name}: signed as {other}");
        }
    }
}

#[test]
fn the_integration_alone_says_how_its_sender_proves_who_it_is() {
    let at = |integration: &str, name: &str| Sent::new(&format!("/v1/signals/{integration}"), &body(name));
    let gitlab = || at("gitlab", "gitlab-pipeline-failed");
    let grafana = || at("grafana", "grafana-firing");
    let datadog = || at("datadog", "datadog-triggered");
    let timed = Scheme::grafana(&["X-Our-Signature"], Some("X-Our-Time"));
    let usual = Scheme::grafana(&[GRAFANA_SIGNATURE], None);
    let bearer = format!("Bearer {SHARED}");
    let change = |name: &str, change: &dyn Fn(&mut Integration)| {
        let mut policy = policy();
        change(policy.integrations.get_mut(name).expect("an integration"));
        policy
    };
    let signing = change("gitlab", &|gitlab| {
        gitlab.proof = Some(Proof::Signature);
        gitlab.secret = Some(SecretRef("ssm:/hook".to_owned()));
    });
    let token = change("grafana", &|grafana| grafana.proof = Some(Proof::Token));
    let named = change("grafana", &|grafana| {
        grafana.header = Some("X-Our-Signature".to_owned());
        grafana.timestamp_header = Some("X-Our-Time".to_owned());
    });
    let own = change("datadog", &|datadog| datadog.header = Some("X-Our-Key".to_owned()));
    let table = [
        (gitlab().with("x-gitlab-token", SHARED), policy(), None),
        (gitlab().with("authorization", &bearer), policy(), Some("token")),
        (gitlab().signed(), signing.clone(), None),
        (gitlab().with("x-gitlab-token", HOOK_SECRET), signing, Some("signature")),
        (grafana().signed_by(&usual), policy(), None),
        (grafana().with("authorization", &bearer), token.clone(), None),
        (grafana().signed_by(&usual), token, Some("token")),
        (grafana().signed_by(&timed), named.clone(), None),
        (grafana().signed_by(&usual), named.clone(), Some("signature")),
        (Sent { at: now() + SignedDuration::from_secs(301), ..grafana().signed_by(&timed) }, named, Some("stale")),
        (datadog().with("x-api-key", SHARED), policy(), None),
        (datadog().with("authorization", &bearer), policy(), None),
        (datadog().with("x-our-key", SHARED), own.clone(), None),
        (datadog().with("x-api-key", SHARED), own, Some("token")),
    ];
    for (number, (sent, policy, refused)) in table.iter().enumerate() {
        let answer = sent.receive_by(policy).err().map(|refused| refused.reason);
        assert_eq!(answer, *refused, "{number}: {}", sent.path);
    }
}

#[test]
fn an_integration_hears_the_networks_that_it_names_and_an_open_one_no_others() {
    let from = |networks: &[&str]| networks.iter().map(|text| text.parse().expect("a network")).collect::<Vec<_>>();
    let heard = |name: &str, sent: &Sent, open: bool, networks: &[&str], source: Option<[u8; 4]>| {
        let mut policy = policy();
        let integration = policy.integrations.get_mut(name).expect("an integration");
        (integration.open, integration.from) = (open, from(networks));
        let sent = Sent { source: source.map(Into::into), ..sent.clone() };
        sent.receive_by(&policy).map(drop).map_err(|refused| (refused.reply.status, refused.reason))
    };
    let open = Sent::new("/v1/signals/open", br#"{"type":"alert.resolved","key":"k"}"#);
    let signed = Sent::fixture("github", &body("github-workflow-failure"));
    let elsewhere = Err((403, "source"));
    let table = [
        ("open", &open, true, &["10.0.0.0/8"][..], Some([10, 1, 2, 3]), Ok(())),
        ("open", &open, true, &["192.0.2.1", "10.0.0.0/8"], Some([10, 1, 2, 3]), Ok(())),
        ("open", &open, true, &["10.0.0.0/8"], Some([11, 1, 2, 3]), elsewhere),
        ("open", &open, true, &["0.0.0.0/0"], Some([11, 1, 2, 3]), Ok(())),
        ("open", &open, true, &["0.0.0.0/0"], None, elsewhere),
        ("open", &open, true, &[], Some([10, 1, 2, 3]), elsewhere),
        ("github", &signed, false, &[], Some([11, 1, 2, 3]), Ok(())),
        ("github", &signed, false, &["10.0.0.0/8"], Some([10, 1, 2, 3]), Ok(())),
        ("github", &signed, false, &["10.0.0.0/8"], Some([11, 1, 2, 3]), elsewhere),
    ];
    for (name, sent, open, networks, source, expected) in table {
        assert_eq!(heard(name, sent, open, networks, source), expected, "{name} {networks:?} {source:?}");
    }
    let elsewhere = Some([198, 51, 100, 1].into());
    let prometheus = Sent { source: elsewhere, ..Sent::new("/api/v2/alerts", br#"[{"labels":{"a":"b"}}]"#) };
    let mut policy = policy();
    policy.integrations.insert("prometheus".to_owned(), super::integration(Kind::Prometheus, None));
    let refused = prometheus.receive_by(&policy).expect_err("it is not heard there");
    assert_eq!((refused.reply.status, refused.reason), (403, "source"));
}

#[test]
fn a_hostile_header_name_or_value_is_refused_and_never_our_fault() {
    let body = body("datadog-triggered");
    for value in ["", " ", "\u{e9}", &"x".repeat(8000)] {
        let mut sent = Sent::new("/v1/signals/datadog", &body);
        sent.headers.insert("x-api-key", HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        assert_eq!(sent.refused().reply.status, 401, "{value:?}");
    }
}
