//! Reading a policy: YAML to [`Policy`], field by field.

use super::node::{self, Node};
use super::read::{Fields, Read, Reader};
use super::validate::check_without;
use super::{
    Address, CatchAll, Contact, Email, Escalation, Handling, Integration, Kind, Ladder, Level, Mistake, Person, Policy,
    Providers, Rotation, Route, Schedule, SecretRef, Service, Shift, Slack, Step, Target, Team,
};

/// Reads a policy file: the policy and its warnings, or every mistake in it, in the order of the file.
pub fn parse(text: &str) -> Result<(Policy, Vec<Mistake>), Vec<Mistake>> {
    let mut reader = Reader::default();
    let root = match node::read(text, &mut reader.mistakes) {
        Ok(root) => root,
        Err(mistake) => {
            reader.mistakes.push(mistake);
            return Err(reader.mistakes);
        }
    };
    let policy = Policy::read(&mut reader, &root, "");
    let mut mistakes: Vec<Mistake> = check_without(&policy, &reader.unread())
        .into_iter()
        .filter(|mistake| !reader.is_broken(&mistake.path))
        .map(|mistake| {
            let place = reader.place(&mistake.path);
            mistake.at(place)
        })
        .collect();
    mistakes.append(&mut reader.mistakes);
    mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    let usable = mistakes.iter().all(|mistake| mistake.level == Level::Warning);
    if usable { Ok((policy, mistakes)) } else { Err(mistakes) }
}

/// Reads a struct from a mapping: its keys, and how each is read.
macro_rules! mapping {
    ($type:ident, $keys:expr, $fields:ident => $read:expr) => {
        impl Read for $type {
            fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
                let $fields = &mut reader.fields(node, path, &$keys);
                $read
            }

            fn blank() -> Self {
                // A mapping without fields and without a place: every field of it is blank.
                let mut reader = Reader::default();
                let $fields = &mut Fields::none(&mut reader);
                $read
            }
        }
    };
}

mapping!(Policy, [
    "version", "people", "teams", "channels", "schedules", "escalations", "services", "routes", "catch_all",
    "integrations", "providers",
], fields => Policy {
    version: fields.required("version", "write `version: 1`"),
    people: fields.or_default("people"),
    teams: fields.or_default("teams"),
    channels: fields.or_default("channels"),
    schedules: fields.or_default("schedules"),
    escalations: fields.or_default("escalations"),
    services: fields.or_default("services"),
    routes: fields.or_default("routes"),
    catch_all: fields.required("catch_all", "write `catch_all:` with the `escalation` that is told when nothing else is"),
    integrations: fields.or_default("integrations"),
    providers: fields.or_default("providers"),
});

mapping!(Person, ["name", "slack", "contacts"], fields => Person {
    name: fields.optional("name"),
    slack: fields.optional("slack"),
    contacts: fields.or_default("contacts"),
});

mapping!(Contact, ["webhook", "slack", "email", "sms", "after"], fields => Contact {
    address: address(fields),
    after: fields.optional("after"),
});

mapping!(Address, ["webhook", "slack", "email", "sms"], fields => address(fields));

/// The one address that a mapping names by its channel.
fn address(fields: &mut Fields<'_>) -> Address {
    let channels = ["webhook", "slack", "email", "sms"];
    let named = channels.iter().filter(|channel| fields.has(channel)).count();
    if named != 1 && fields.is_mapping() {
        let what = if named == 0 { "this names no address" } else { "this names more than one address" };
        let fix = "name one of webhook, slack, email and sms; write each contact as its own entry";
        let (path, place) = (fields.path.clone(), fields.place);
        fields.reader.fail(&path, place, what, fix);
        return Address::Email(String::new());
    }
    if fields.has("webhook") {
        let Webhook { url, secret } = fields.required("webhook", "write `webhook:` with `url` and `secret`");
        Address::Webhook { url, secret }
    } else if fields.has("slack") {
        Address::Slack(fields.required("slack", "write the channel's or user's id, such as C0123456789"))
    } else if fields.has("sms") {
        Address::Sms(fields.required("sms", "write the phone number, such as +15550100"))
    } else {
        Address::Email(fields.required("email", "write the e-mail address"))
    }
}

struct Webhook {
    url: String,
    secret: SecretRef,
}

mapping!(Webhook, ["url", "secret"], fields => Webhook {
    url: fields.required("url", "write the URL that gets the POST"),
    secret: fields.required("secret", "write `secret: ssm:/path/of/the/parameter` that the POST is signed with"),
});

mapping!(Team, ["members", "escalation"], fields => Team {
    members: fields.required("members", "write `members: [NAME, NAME]`"),
    escalation: fields.optional("escalation"),
});

mapping!(Schedule, ["time_zone", "rotation"], fields => Schedule {
    time_zone: fields.required("time_zone", "write an IANA time zone, such as Europe/Berlin"),
    rotation: fields.required("rotation", "write `rotation:` with `members`, `shift` and `start`"),
});

mapping!(Rotation, ["members", "shift", "start"], fields => Rotation {
    members: fields.required("members", "write `members: [NAME, NAME]` in the order of their turns"),
    shift: fields.required("shift", "write daily, weekly or a length such as 12h"),
    start: fields.required("start", "write when the first turn begins, such as 2026-01-05T09:00"),
});

mapping!(Escalation, ["steps", "repeat", "acknowledgement_expires"], fields => Escalation {
    steps: fields.required("steps", "write `steps:`, each with `notify` and `wait`"),
    repeat: fields.or_default("repeat"),
    acknowledgement_expires: fields.optional("acknowledgement_expires"),
});

mapping!(Step, ["notify", "wait"], fields => Step {
    notify: fields.required("notify", "write `notify: [person:NAME]`"),
    wait: fields.required("wait", "write how long they have to answer, such as 5m"),
});

mapping!(Service, ["team", "tier", "data_class", "runbook", "dashboards"], fields => Service {
    team: fields.required("team", "write the team that owns it"),
    tier: fields.optional("tier"),
    data_class: fields.optional("data_class"),
    runbook: fields.optional("runbook"),
    dashboards: fields.or_default("dashboards"),
});

mapping!(Route, [
    "name", "when", "action", "service", "escalation", "level", "notify", "continue", "routes",
], fields => Route {
    name: fields.required("name", "give it a name: every decision names its routes"),
    when: fields.optional("when"),
    action: fields.optional("action"),
    service: fields.optional("service"),
    escalation: fields.optional("escalation"),
    level: fields.optional("level"),
    notify: fields.or_default("notify"),
    goes_on: fields.or_default("continue"),
    // Never blank: a blank route has no end of blank routes.
    routes: fields.optional("routes").unwrap_or_default(),
});

mapping!(CatchAll, ["escalation"], fields => CatchAll {
    escalation: fields.required("escalation", "name the escalation that is told when nothing else is"),
});

mapping!(Integration, ["kind", "secret", "open", "service"], fields => Integration {
    kind: fields.required("kind", "write pagerduty, alertmanager, prometheus, cloudwatch or standard_webhooks"),
    secret: fields.optional("secret"),
    open: fields.or_default("open"),
    service: fields.optional("service"),
});

mapping!(Providers, ["slack", "email"], fields => Providers {
    slack: fields.optional("slack"),
    email: fields.optional("email"),
});

mapping!(Slack, ["bot_token", "signing_secret"], fields => Slack {
    bot_token: fields.required("bot_token", "write `bot_token: ssm:/path/of/the/parameter`"),
    signing_secret: fields.required("signing_secret", "write `signing_secret: ssm:/path/of/the/parameter`"),
});

mapping!(Email, ["from"], fields => Email {
    from: fields.required("from", "write the verified sender address"),
});

impl Read for SecretRef {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        Self(String::read(reader, node, path))
    }

    fn blank() -> Self {
        Self(String::new())
    }
}

impl Read for Shift {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        reader.parsed(node, path, "the length of a turn", |text| match text {
            "daily" => Ok(Self::Daily),
            "weekly" => Ok(Self::Weekly),
            length => {
                length.parse().map(Self::Every).map_err(|_| "write daily, weekly or a length such as 12h".to_owned())
            }
        })
    }

    fn blank() -> Self {
        Self::Daily
    }
}

impl Read for Target {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        reader.parsed(node, path, "somebody to tell", |text| {
            let fix = || "write person:NAME, team:NAME, schedule:NAME or channel:NAME".to_owned();
            Self::try_from(text.to_owned()).map_err(|_| fix())
        })
    }

    fn blank() -> Self {
        Self::Person(String::new())
    }
}

/// Reads an enum from its words.
macro_rules! words {
    ($type:ident, $blank:ident, $($word:literal => $variant:ident),+) => {
        impl Read for $type {
            fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
                reader.word(node, path, &[$(($word, Self::$variant)),+])
            }

            fn blank() -> Self {
                Self::$blank
            }
        }
    };
}

words!(Handling, Page, "page" => Page, "ticket" => Ticket, "record" => Record, "suppress" => Suppress);
words!(Ladder, Sev4, "SEV1" => Sev1, "SEV2" => Sev2, "SEV3" => Sev3, "SEV4" => Sev4);
words!(Kind, Cloudwatch, "pagerduty" => Pagerduty, "alertmanager" => Alertmanager, "prometheus" => Prometheus,
    "cloudwatch" => Cloudwatch, "standard_webhooks" => StandardWebhooks);

#[cfg(test)]
mod tests;
