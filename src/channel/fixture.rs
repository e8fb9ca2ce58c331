//! One incident and one delivery for the tests of the channels.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use domain::escalation::{Delivery, Fate};
use domain::incident::{Actor, Event, Incident, IncidentId};
use domain::policy::Address;
use domain::signal::{Alert, Severity};
use jiff::Timestamp;

use super::Message;
use crate::signed::Signed;

/// What a message is made of.
pub(super) struct Told {
    pub(super) incident: Incident,
    pub(super) delivery: Delivery,
    pub(super) address: Address,
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

impl Told {
    /// A critical incident at the first step.
    pub(super) fn new() -> Self {
        let id = IncidentId::parse("0123456789abcdef0123-1").expect("an id");
        let mut incident = Incident::expected(id);
        let alert = Alert {
            title: "p99 latency over 2 s".to_owned(),
            severity: Severity::Critical,
            service: Some("checkout".to_owned()),
            ..Alert::default()
        };
        let opened = Event::Opened { integration: "pagerduty".to_owned(), key: "k".to_owned(), alert, follows: None };
        incident.apply(&opened, at("2026-11-21T12:00:00Z"));
        incident.occurrences = 1;
        let delivery = Delivery {
            id: "1-ana-0".to_owned(),
            step: 1,
            to: "person:ana".to_owned(),
            contact: 0,
            channel: "webhook".to_owned(),
            attempts: 1,
            fate: Fate::Sending { since: at("2026-11-21T12:00:01Z"), cause: "test".to_owned() },
        };
        Self { incident, delivery, address: Address::Slack("C1".to_owned()) }
    }

    pub(super) fn message(&self) -> Message<'_> {
        Message {
            incident: &self.incident,
            delivery: &self.delivery,
            address: &self.address,
            person: "Ana",
            link: "https://wk.example.com/l/0123456789abcdef0123-1.1-ana-0.AAAAAAAAAAAAAAAAAAAAAA",
            now: at("2026-11-21T12:00:02Z"),
            more: 0,
        }
    }
}

/// Bo takes it on.
pub(super) fn acknowledge(incident: &mut Incident) {
    let event = Event::Acknowledged { by: Actor::person("bo"), expires_at: None };
    incident.apply(&event, at("2026-11-21T12:05:00Z"));
}

/// Bo ends it.
pub(super) fn resolve(incident: &mut Incident) {
    let covers = at("2026-11-21T12:10:00Z");
    incident.apply(&Event::Resolved { by: Actor::person("bo"), covers }, covers);
}

/// AWS, as it answers every call: real clients over a connection that is scripted.
#[derive(Debug, Clone)]
pub(super) struct Aws {
    status: u16,
    code: String,
    body: String,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Aws {
    pub(super) fn answers(status: u16, code: &str, body: &str) -> Self {
        Self { status, code: code.to_owned(), body: body.to_owned(), bodies: Arc::default() }
    }

    /// The requests so far.
    pub(super) fn bodies(&self) -> Vec<String> {
        self.bodies.lock().expect("no test panics while it holds this").clone()
    }

    pub(super) fn email(&self) -> Signed {
        Signed::played_by("ses", self.clone())
    }

    pub(super) fn sms(&self) -> Signed {
        Signed::played_by("sns", self.clone())
    }
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        self.bodies.lock().expect("no test panics while it holds this").push(body);
        let status = self.status.try_into().expect("a status");
        let mut response = HttpResponse::new(status, SdkBody::from(self.body.as_str()));
        if !self.code.is_empty() {
            response.headers_mut().insert("x-amzn-errortype", self.code.clone());
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}
