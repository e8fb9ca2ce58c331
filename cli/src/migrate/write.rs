//! A draft as YAML, each part with where it comes from.

use std::fmt::Write as _;

use domain::policy::{Acknowledge, Contact, Handling, Layer, Mode, Policy, Route, Step};

use super::draft::Draft;

mod value;

use value::{address, length, list, open, rule, scalar, targets, together, word};

/// The policy of `draft`; [`domain::policy::parse`] reads it as the same policy.
pub fn yaml(draft: &Draft) -> String {
    let mut out = Writer { text: String::new(), draft };
    let source = draft.source;
    out.comment(0, &format!("A policy from {source}, written by `watchkeeper import {}`.", source.to_lowercase()));
    out.comment(0, "Each part says what it was called there, and what is not the same as there.");
    out.comment(0, "`watchkeeper policy validate` names what is still to be put in: whatever says CHANGE or .invalid.");
    out.line(0, "version: 1");
    out.people();
    out.places();
    out.schedules();
    out.escalations();
    out.services();
    out.routes();
    out.inhibitions();
    out.senders();
    out.providers();
    out.text
}

struct Writer<'a> {
    text: String,
    draft: &'a Draft,
}

impl Writer<'_> {
    const fn policy(&self) -> &Policy {
        &self.draft.policy
    }

    fn line(&mut self, indent: usize, text: &str) {
        let _ = writeln!(self.text, "{:1$}{text}", "", indent * 2);
    }

    fn comment(&mut self, indent: usize, text: &str) {
        self.line(indent, &format!("# {}", domain::text::visible(text)));
    }

    /// A section, set apart from the one before.
    fn section(&mut self, key: &str) {
        self.text.push('\n');
        self.line(0, &format!("{key}:"));
    }

    /// What is known of where `path` comes from.
    fn origins(&mut self, indent: usize, path: &str) {
        for text in self.draft.origins.get(path).cloned().unwrap_or_default() {
            self.comment(indent, &text);
        }
    }

    fn people(&mut self) {
        if self.policy().people.is_empty() {
            return;
        }
        self.section("people");
        for (name, person) in &self.draft.policy.people {
            self.origins(1, &format!("people.{name}"));
            self.line(1, &format!("{}:", scalar(name)));
            for (key, value) in [("name", &person.name), ("slack", &person.slack)] {
                if let Some(value) = value {
                    self.line(2, &format!("{key}: {}", scalar(value)));
                }
            }
            self.line(2, "contacts:");
            for contact in &person.contacts {
                self.contact(contact);
            }
            if let Some(quieter) = &person.rules.sev4 {
                let rules: Vec<String> = quieter.iter().map(rule).collect();
                self.line(2, "rules:");
                self.line(3, &format!("SEV4: [{}]", rules.join(", ")));
            }
        }
    }

    fn contact(&mut self, contact: &Contact) {
        self.line(3, &format!("- {}", address(&contact.address)));
        if let Some(after) = contact.after {
            self.line(4, &format!("after: {}", length(after)));
        }
    }

    /// Teams, and shared places.
    fn places(&mut self) {
        let policy = &self.draft.policy;
        if !policy.teams.is_empty() {
            self.section("teams");
        }
        for (name, team) in &policy.teams {
            self.origins(1, &format!("teams.{name}"));
            self.line(1, &format!("{}:", scalar(name)));
            self.line(2, &format!("members: {}", list(&team.members)));
            if let Some(escalation) = &team.escalation {
                self.line(2, &format!("escalation: {}", scalar(escalation)));
            }
        }
        if !policy.channels.is_empty() {
            self.section("channels");
        }
        for (name, place) in &policy.channels {
            self.origins(1, &format!("channels.{name}"));
            self.line(1, &format!("{}:", scalar(name)));
            self.line(2, &address(place));
        }
    }

    fn schedules(&mut self) {
        if self.policy().schedules.is_empty() {
            return;
        }
        self.section("schedules");
        for (name, schedule) in &self.draft.policy.schedules {
            self.origins(1, &format!("schedules.{name}"));
            self.line(1, &format!("{}:", scalar(name)));
            self.line(2, &format!("time_zone: {}", scalar(&schedule.time_zone)));
            if let Some(rotation) = &schedule.rotation {
                self.line(2, "rotation:");
                self.layer(rotation, 3);
            }
            if !schedule.layers.is_empty() {
                self.line(2, "layers:");
            }
            for layer in &schedule.layers {
                self.line(3, &format!("- name: {}", scalar(&layer.name)));
                self.layer(layer, 4);
            }
        }
    }

    fn layer(&mut self, layer: &Layer, indent: usize) {
        if let Some(zone) = &layer.time_zone {
            self.line(indent, &format!("time_zone: {}", scalar(zone)));
        }
        self.line(indent, &format!("members: {}", list(&layer.members)));
        let shift = match layer.shift {
            domain::policy::Shift::Every(every) => length(every),
            by_calendar => by_calendar.to_string(),
        };
        self.line(indent, &format!("shift: {shift}"));
        self.line(indent, &format!("start: {}", layer.start));
        if let Some(end) = layer.end {
            self.line(indent, &format!("end: {end}"));
        }
        if !layer.restrict.is_empty() {
            self.line(indent, "restrict:");
            for window in &layer.restrict {
                self.line(indent + 1, &format!("- {}", open(window)));
            }
        }
    }

    fn escalations(&mut self) {
        self.section("escalations");
        for (name, escalation) in &self.draft.policy.escalations {
            self.origins(1, &format!("escalations.{name}"));
            self.line(1, &format!("{}:", scalar(name)));
            self.line(2, "steps:");
            for step in &escalation.steps {
                self.step(step);
            }
            if escalation.repeat > 0 {
                self.line(2, &format!("repeat: {}", escalation.repeat));
            }
            if let Some(expires) = escalation.acknowledgement_expires {
                self.line(2, &format!("acknowledgement_expires: {}", length(expires)));
            }
        }
        self.section("catch_all");
        self.line(1, &format!("escalation: {}", scalar(&self.draft.policy.catch_all.escalation)));
    }

    fn step(&mut self, step: &Step) {
        self.line(3, &format!("- notify: {}", list(&targets(&step.notify))));
        self.line(4, &format!("wait: {}", length(step.wait)));
        if step.round_robin {
            self.line(4, "round_robin: true");
        }
        if step.acknowledge == Acknowledge::Everybody {
            self.line(4, "acknowledge: everybody");
        }
    }

    fn services(&mut self) {
        if self.policy().services.is_empty() {
            return;
        }
        self.section("services");
        for (name, service) in &self.draft.policy.services {
            self.origins(1, &format!("services.{name}"));
            self.line(1, &format!("{}:", scalar(name)));
            self.line(2, &format!("team: {}", scalar(&service.team)));
            if let Some(tier) = service.tier {
                self.line(2, &format!("tier: {tier}"));
            }
            if service.mode == Some(Mode::Simulate) {
                self.line(2, "mode: simulate");
            }
        }
    }

    fn routes(&mut self) {
        if self.policy().routes.is_empty() {
            return;
        }
        self.section("routes");
        self.level(&self.draft.policy.routes, 1, "routes");
    }

    fn level(&mut self, routes: &[Route], indent: usize, path: &str) {
        for (number, route) in routes.iter().enumerate() {
            let path = format!("{path}[{number}]");
            self.origins(indent, &path);
            self.line(indent, &format!("- name: {}", scalar(&route.name)));
            let within = indent + 1;
            if let Some(when) = &route.when {
                self.line(within, &format!("when: {}", scalar(when)));
            }
            let action = match route.action {
                None => None,
                Some(Handling::Page) => Some("page"),
                Some(Handling::Ticket) => Some("ticket"),
                Some(Handling::Record) => Some("record"),
                Some(Handling::Suppress) => Some("suppress"),
            };
            let level = route.level.map(domain::policy::Ladder::as_str);
            let keys = [
                ("action", action),
                ("service", route.service.as_deref()),
                ("escalation", route.escalation.as_deref()),
                ("level", level),
            ];
            for (key, value) in keys {
                if let Some(value) = value {
                    self.line(within, &format!("{key}: {}", scalar(value)));
                }
            }
            if let Some(group) = &route.group {
                self.line(within, &format!("group: {}", together(group)));
            }
            if !route.routes.is_empty() {
                self.line(within, "routes:");
                self.level(&route.routes, within + 1, &format!("{path}.routes"));
            }
        }
    }

    fn inhibitions(&mut self) {
        if self.policy().inhibitions.is_empty() {
            return;
        }
        self.section("inhibitions");
        for (number, inhibition) in self.draft.policy.inhibitions.iter().enumerate() {
            self.origins(1, &format!("inhibitions[{number}]"));
            self.line(1, &format!("- name: {}", scalar(&inhibition.name)));
            for (key, matchers) in [("source", &inhibition.source), ("target", &inhibition.target)] {
                let texts: Vec<String> = matchers.iter().map(ToString::to_string).collect();
                self.line(2, &format!("{key}: {}", list(&texts)));
            }
            if !inhibition.equal.is_empty() {
                self.line(2, &format!("equal: {}", list(&inhibition.equal)));
            }
        }
    }

    fn senders(&mut self) {
        if self.policy().integrations.is_empty() {
            return;
        }
        self.section("integrations");
        for (name, integration) in &self.draft.policy.integrations {
            self.origins(1, &format!("integrations.{name}"));
            self.line(1, &format!("{}:", scalar(name)));
            self.line(2, &format!("kind: {}", word(integration.kind)));
            if let Some(secret) = &integration.secret {
                self.line(2, &format!("secret: {}", secret.0));
            }
            if let Some(proof) = integration.proof {
                self.line(2, &format!("proof: {}", word(proof)));
            }
            if let Some(service) = &integration.service {
                self.line(2, &format!("service: {}", scalar(service)));
            }
        }
    }

    fn providers(&mut self) {
        let providers = &self.draft.policy.providers;
        let mut lines: Vec<(&str, Vec<(&str, String)>)> = Vec::new();
        if let Some(slack) = &providers.slack {
            let secrets =
                [("bot_token", slack.bot_token.0.clone()), ("signing_secret", slack.signing_secret.0.clone())];
            lines.push(("slack", secrets.to_vec()));
        }
        if let Some(email) = &providers.email {
            lines.push(("email", vec![("from", scalar(&email.from))]));
        }
        if let Some(twilio) = &providers.twilio {
            let keys = [
                ("account_sid", scalar(&twilio.account_sid)),
                ("auth_token", twilio.auth_token.0.clone()),
                ("from", scalar(&twilio.from)),
            ];
            lines.push(("twilio", keys.to_vec()));
        }
        if let Some(opsgenie) = &providers.opsgenie {
            lines.push(("opsgenie", vec![("api_key", opsgenie.api_key.0.clone())]));
        }
        if lines.is_empty() {
            return;
        }
        self.section("providers");
        for (name, keys) in lines {
            self.line(1, &format!("{name}:"));
            for (key, value) in keys {
                self.line(2, &format!("{key}: {value}"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
