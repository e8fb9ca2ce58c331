//! Every secret replaced while everybody goes on (faults.md, A13): nothing that is valid is refused, and nothing is lost.
//!
//! It is done as docs/guide.md says: the new secret comes second, whoever uses it switches, the old one goes. The functions
//! that verify stay warm throughout and remember what was valid before; what signs for us has waited for five minutes before
//! its receiver switches, which here is a new process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use domain::fingerprint::Fingerprint;
use domain::incident::IncidentId;
use domain::policy::Policy;
use domain::signal::{Action, Signal};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::{Value, json};
use watchkeeper::link::Links;
use watchkeeper::secret::Secret;
use watchkeeper::sender::verify::{STANDARD, sign, verify};

use super::installation::event;
use crate::cases::{TOKEN, batch, function, gateway, opened, policy, signal, standin_with};
use crate::paging::look;
use crate::runtime::Function;
use crate::server::{Answer, Request, serve};
use crate::slack::press;
use crate::standin::Standin;
use crate::twilio::posted;

/// The lines of each parameter, by their secrets: 0 is the old one, 1 the new one.
const PHASES: [&[usize]; 4] = [&[0], &[0, 1], &[1, 0], &[1]];
/// Which secret somebody uses in each phase who switches when the new one comes first.
const SWITCHES: [usize; 4] = [0, 0, 1, 1];
/// The same for what was made before, and is used for as long as it is valid.
const LINGERS: [usize; 4] = [0, 0, 0, 1];
/// How many messages everybody sends in a phase at least.
const ROUNDS: usize = 5;
/// Whose delivery the links are for.
const DELIVERY: &str = "1-ana-0";

/// What sends a message: its secret, and a number of its own; whether it was taken.
type Send = Box<dyn FnMut(&str, usize) -> bool>;

/// Somebody who has a secret.
struct Sender {
    name: &'static str,
    /// The parameter that holds it, below `/watchkeeper/`.
    parameter: &'static str,
    /// What stands before it on its line.
    before: &'static str,
    secrets: [&'static str; 2],
    used: [usize; 4],
    start: fn(&Place) -> Send,
}

const LINKS: [&str; 2] = ["the old secret of all links", "the new secret of all links"];

const SENDERS: [Sender; 10] = [
    Sender {
        name: "a sender that signs",
        parameter: "integrations/generic",
        before: "",
        secrets: [
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqr",
            "whsec_bmV3ZXIgdGhhbiB0aGUgb3RoZXIgc2VjcmV0IDEyMzQ=",
        ],
        used: SWITCHES,
        start: signs,
    },
    Sender {
        name: "a sender with a routing key",
        parameter: "integrations/pagerduty",
        before: "",
        secrets: ["0123456789abcdef0123456789abcdef", "abcdef0123456789abcdef0123456789"],
        used: SWITCHES,
        start: routes,
    },
    Sender {
        name: "a sender with an API key",
        parameter: "integrations/opsgenie",
        before: "",
        secrets: ["4f1c9b7e-0a2d-4c5e-8b6f-123456789abc", "9b7e4f1c-2d0a-5e4c-6f8b-abc123456789"],
        used: SWITCHES,
        start: has_a_key,
    },
    Sender {
        name: "the holder of a token",
        parameter: "tokens",
        before: "ci ",
        secrets: [TOKEN, "e0f1d2c3b4a5968778695a4b3c2d1e0f"],
        used: SWITCHES,
        start: has_a_token,
    },
    Sender {
        name: "a job with a heartbeat",
        parameter: "nightly",
        before: "",
        secrets: ["a-token-of-the-nightly-job", "a-newer-token-of-the-nightly-job"],
        used: SWITCHES,
        start: beats,
    },
    Sender {
        name: "Slack",
        parameter: "slack/signing",
        before: "",
        secrets: ["8f742231b10e8888abcd99yyyzzz85a5", "5a58zzzyyy99dcba8888e01b132247f8"],
        used: SWITCHES,
        start: presses,
    },
    Sender {
        name: "Twilio",
        parameter: "twilio",
        before: "",
        secrets: ["12345678901234567890123456789012", "21098765432109876543210987654321"],
        used: SWITCHES,
        start: calls,
    },
    Sender { name: "a link of now", parameter: "links", before: "", secrets: LINKS, used: SWITCHES, start: opens },
    Sender { name: "a link of before", parameter: "links", before: "", secrets: LINKS, used: LINGERS, start: opens },
    Sender {
        name: "a receiver of pages",
        parameter: "phone",
        before: "",
        secrets: [
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDMfKQ9r8GKYqr",
            "whsec_b2xkZXIgdGhhbiB0aGUgb3RoZXIgc2VjcmV0IDEyMzQ=",
        ],
        used: SWITCHES,
        start: receives,
    },
];

/// What everybody sends to.
struct Place {
    standin: Standin,
    incident: IncidentId,
    phone: String,
    /// The only secret that the phone knows, and how many pages verified.
    heard: Arc<Mutex<(String, usize)>>,
}

impl Place {
    fn start() -> Self {
        let heard: Arc<Mutex<(String, usize)>> = Arc::default();
        let inner = Arc::clone(&heard);
        let phone = serve(move |request| {
            let mut heard = inner.lock().unwrap();
            let good = is_signed(&request, &heard.0);
            heard.1 += usize::from(good);
            Some(Answer::new(if good { 200 } else { 401 }, "{}"))
        });
        let standin = standin_with(&ruling(&phone.to_string()));
        furnish(&standin, 0);
        let incident = opened(&standin);
        Self { standin, incident, phone: phone.to_string(), heard }
    }

    /// A function of its own for whoever sends, as Lambda runs several at once.
    fn function(&self, binary: &str) -> Function {
        function(binary, &self.standin, &[("WEBHOOK_ALLOW", self.phone.clone())])
    }
}

fn ruling(phone: &str) -> Policy {
    let mut policy = json!(policy(phone));
    policy["heartbeats"] = json!({ "nightly": { "every": "PT24H", "secret": "ssm:/watchkeeper/nightly" } });
    policy["providers"] = json!({
        "slack": { "bot_token": "ssm:/watchkeeper/slack/token", "signing_secret": "ssm:/watchkeeper/slack/signing" },
        "twilio": { "account_sid": "AC0123456789abcdef0123456789abcdef", "auth_token": "ssm:/watchkeeper/twilio",
            "from": "+15550199" },
    });
    serde_json::from_value(policy).unwrap()
}

/// Sets every parameter as it is in a phase.
fn furnish(standin: &Standin, phase: usize) {
    let mut world = standin.world.lock().unwrap();
    for Sender { parameter, before, secrets, .. } in &SENDERS {
        let lines: Vec<String> = PHASES[phase].iter().map(|which| format!("{before}{}", secrets[*which])).collect();
        world.parameters.insert(format!("/watchkeeper/{parameter}"), lines.join("\n"));
    }
}

fn is_signed(request: &Request, secret: &str) -> bool {
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    verify(&STANDARD, &headers, &request.body, &[Secret::new(secret)], Timestamp::now()).is_ok()
}

fn status(function: &Function, event: &Value) -> u64 {
    function.invoke(event).unwrap().unwrap()["statusCode"].as_u64().unwrap()
}

/// The type of a body, and what proves whose it is.
fn headers<const N: usize>(more: [(&'static str, String); N]) -> Vec<(&'static str, String)> {
    [("content-type", "application/json".to_owned())].into_iter().chain(more).collect()
}

fn signs(place: &Place) -> Send {
    let ingest = place.function(env!("CARGO_BIN_EXE_ingest"));
    Box::new(move |secret, number| {
        let body = json!({ "type": "alert.triggered", "key": format!("signed-{number}"), "title": "t" }).to_string();
        let (id, now) = (format!("m{number}"), Timestamp::now());
        let signature = sign(&[Secret::new(secret)], &id, now, body.as_bytes()).unwrap();
        let proof = headers([
            ("webhook-id", id),
            ("webhook-timestamp", now.as_second().to_string()),
            ("webhook-signature", signature),
        ]);
        status(&ingest, &gateway("POST", "/v1/signals/generic", &proof, &body)) == 202
    })
}

fn routes(place: &Place) -> Send {
    let ingest = place.function(env!("CARGO_BIN_EXE_ingest"));
    Box::new(move |secret, number| {
        let mut said = event("trigger", &format!("routed-{number}"), "Checkout fails");
        said["routing_key"] = json!(secret);
        status(&ingest, &gateway("POST", "/v2/enqueue", &headers([]), &said.to_string())) == 202
    })
}

fn has_a_key(place: &Place) -> Send {
    let opsgenie = place.function(env!("CARGO_BIN_EXE_opsgenie"));
    Box::new(move |secret, number| {
        let body = json!({ "message": "Checkout fails", "alias": format!("keyed-{number}") }).to_string();
        let proof = headers([("authorization", format!("GenieKey {secret}"))]);
        status(&opsgenie, &gateway("POST", "/v2/alerts", &proof, &body)) == 202
    })
}

fn has_a_token(place: &Place) -> Send {
    let api = place.function(env!("CARGO_BIN_EXE_api"));
    Box::new(move |secret, _| {
        let proof = headers([("authorization", format!("Bearer {secret}"))]);
        status(&api, &gateway("GET", "/v1/incidents?limit=1", &proof, "")) == 200
    })
}

fn beats(place: &Place) -> Send {
    let heartbeat = place.function(env!("CARGO_BIN_EXE_heartbeat"));
    Box::new(move |secret, _| {
        let proof = headers([("authorization", format!("Bearer {secret}"))]);
        status(&heartbeat, &gateway("POST", "/v1/heartbeats/nightly", &proof, "")) == 200
    })
}

fn presses(place: &Place) -> Send {
    let (respond, incident) = (place.function(env!("CARGO_BIN_EXE_respond")), place.incident.to_string());
    Box::new(move |secret, _| status(&respond, &press(&incident, "U0STRANGER", secret)) == 200)
}

fn calls(place: &Place) -> Send {
    let respond = place.function(env!("CARGO_BIN_EXE_respond"));
    Box::new(move |secret, _| {
        let fields = [("From", "+15550100"), ("Body", "4 0000"), ("MessageSid", "SM1")];
        status(&respond, &posted("https://watchkeeper.test/v1/twilio/sms", &fields, secret)) == 200
    })
}

fn opens(place: &Place) -> Send {
    let (respond, incident) = (place.function(env!("CARGO_BIN_EXE_respond")), place.incident.clone());
    Box::new(move |secret, _| {
        let links = Links::new(vec![Secret::new(secret)], "https://watchkeeper.test").unwrap();
        let url = links.url(&incident, DELIVERY);
        status(&respond, &gateway("GET", url.strip_prefix("https://watchkeeper.test").unwrap(), &[], "")) == 200
    })
}

fn receives(place: &Place) -> Send {
    let start = {
        let (standin, phone) = (place.standin.clone(), place.phone.clone());
        move || function(env!("CARGO_BIN_EXE_page"), &standin, &[("WEBHOOK_ALLOW", phone.clone())])
    };
    let (dedup, heard) = (place.function(env!("CARGO_BIN_EXE_dedup")), Arc::clone(&place.heard));
    let mut page = start();
    Box::new(move |secret, number| {
        let before = {
            let mut heard = heard.lock().unwrap();
            if heard.0 != secret {
                secret.clone_into(&mut heard.0);
                page = start();
            }
            heard.1
        };
        let key = format!("paged-{number}");
        dedup.invoke(&batch(&[signal(&key, &key, Action::Trigger, 0)], 1)).unwrap().unwrap();
        let incident = IncidentId { fingerprint: Fingerprint::of("pagerduty", &key), generation: 1 };
        page.invoke(&look(&incident, "e/page/0")).unwrap().unwrap();
        heard.lock().unwrap().1 == before + 1
    })
}

/// Which signals of an integration are on the queue, each once.
fn queued(place: &Place, integration: &str) -> usize {
    let world = place.standin.world.lock().unwrap();
    let bodies = world.queues.get("signals").into_iter().flatten();
    let signals: Vec<Signal> = bodies.map(|body| serde_json::from_str(body).unwrap()).collect();
    let own = signals.iter().filter(|signal| signal.integration == integration);
    own.map(|signal| &signal.key).collect::<std::collections::BTreeSet<_>>().len()
}

#[test]
fn a13_every_secret_is_replaced_while_everybody_goes_on_and_nothing_is_refused_or_lost() {
    let place = Place::start();
    let phase = AtomicUsize::new(0);
    let (tell, told) = channel();
    let (mut taken, mut refused) = ([0; SENDERS.len()], Vec::new());
    let mut count = |(who, of, is_taken): (usize, usize, bool)| {
        taken[who] += usize::from(is_taken);
        if !is_taken {
            refused.push((SENDERS[who].name, of));
        }
    };
    std::thread::scope(|scope| {
        for (who, sender) in SENDERS.iter().enumerate() {
            let (tell, place, phase) = (tell.clone(), &place, &phase);
            scope.spawn(move || {
                let mut send = (sender.start)(place);
                for number in 0.. {
                    let of = phase.load(Ordering::SeqCst);
                    let Some(used) = sender.used.get(of) else { return };
                    let sent = catch_unwind(AssertUnwindSafe(|| send(sender.secrets[*used], number)));
                    tell.send((who, of, sent.unwrap_or(false))).unwrap();
                }
            });
        }
        for of in 0..PHASES.len() {
            furnish(&place.standin, of);
            phase.store(of, Ordering::SeqCst);
            let mut sent = [0; SENDERS.len()];
            while sent.iter().any(|sent| *sent < ROUNDS) {
                let message = told.recv().unwrap();
                sent[message.0] += usize::from(message.1 == of);
                count(message);
            }
        }
        phase.store(PHASES.len(), Ordering::SeqCst);
    });
    drop(tell);
    told.into_iter().for_each(&mut count);
    assert!(refused.is_empty(), "{refused:?}");
    for (who, integration) in ["generic", "pagerduty", "opsgenie"].into_iter().enumerate() {
        assert_eq!(queued(&place, integration), taken[who], "{integration}");
    }
    // What was replaced is worth nothing to whoever does not remember it.
    for sender in &SENDERS {
        assert!(!(sender.start)(&place)(sender.secrets[0], usize::MAX), "{}", sender.name);
    }
}
