//! Grafana OnCall's formatted webhook, at the address that OnCall had: `/integrations/v1/formatted_webhook/{token}/`.
//!
//! Its addresses for Alertmanager and for Grafana Alerting are here too; what comes there is read by
//! [`super::alertmanager`] and [`super::grafana`]. The token in the address is the secret of an integration of the kind.

use domain::policy::{Kind, Policy, Proof};
use domain::signal::{Action, Alert, Severity};
use serde::Deserialize;

use super::bounds::{self, Text};
use super::proof::{Message, Told};
use super::reply::{Fault, Reason};
use super::{Request, Secrets, json, of_kind, token};

/// The `alert_uid`; without one the title.
pub(super) const RULE: &str = "oncall/1";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    alert_uid: Text,
    title: Text,
    state: Text,
    message: Text,
    image_url: Text,
    link_to_upstream_details: Text,
}

/// What an address of OnCall is for, and the token in it.
pub(super) fn address(path: &str) -> Option<(Kind, &str)> {
    let (kind, token) = path.strip_prefix("/integrations/v1/")?.trim_end_matches('/').split_once('/')?;
    let kind = match kind {
        "formatted_webhook" => Kind::Oncall,
        "alertmanager" => Kind::Alertmanager,
        "grafana" | "grafana_alerting" => Kind::Grafana,
        _ => return None,
    };
    Some((kind, token)).filter(|(_, token)| !token.is_empty() && !token.contains('/'))
}

/// The integration of `kind` whose token stands in the address.
pub(super) fn owner<'r>(
    kind: Kind,
    request: &'r Request<'r>,
    policy: &'r Policy,
    secrets: &Secrets<'_>,
) -> Result<Message<'r>, Fault> {
    let (_, token) = address(request.path).unwrap_or((kind, ""));
    let mut owners = of_kind(policy, kind).filter(|(_, integration)| {
        let asked = integration.proof() == Proof::Token && !integration.open;
        let known = |reference| token::is_one_of(secrets(reference), token);
        asked && integration.secret.as_ref().is_some_and(known)
    });
    let unknown = || Fault::new(Reason::Token, "no integration has this address").of_unknown_secret();
    let (integration, _) = owners.next().ok_or_else(unknown)?;
    Ok(Message { integration, request, signed_at: None })
}

/// One alert, or its end. Of its fields none is required, but one must name the problem.
pub(super) fn read(body: &str) -> Result<Vec<Told>, Fault> {
    let payload: Payload = json::read(body)?;
    let Some(key) = payload.alert_uid.get().or(payload.title.get()) else {
        return Err(Fault::new(Reason::Malformed, "alert_uid or title must be there").at("/alert_uid"));
    };
    let action = if payload.state.is("ok") { Action::Resolve } else { Action::Trigger };
    let mut links = Vec::new();
    bounds::link(&mut links, payload.link_to_upstream_details.get(), "Details");
    bounds::link(&mut links, payload.image_url.get(), "Image");
    let alert = Alert {
        title: bounds::title(payload.title.get().unwrap_or(key)),
        severity: Severity::default(),
        details: payload
            .message
            .get()
            .map(|text| bounds::details(&serde_json::json!(text).to_string()))
            .unwrap_or_default(),
        links,
        ..Alert::default()
    };
    Ok(vec![Told { action, key: key.to_owned(), at: None, alert }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_oncall_says_what_it_is_for() {
        let table = [
            ("/integrations/v1/formatted_webhook/t0ken/", Some((Kind::Oncall, "t0ken"))),
            ("/integrations/v1/formatted_webhook/t0ken", Some((Kind::Oncall, "t0ken"))),
            ("/integrations/v1/alertmanager/t0ken/", Some((Kind::Alertmanager, "t0ken"))),
            ("/integrations/v1/grafana_alerting/t0ken/", Some((Kind::Grafana, "t0ken"))),
            ("/integrations/v1/alertmanager/t0ken/heartbeat/", None),
            ("/integrations/v1/alertmanager/", None),
            ("/integrations/v1/unheard_of/t0ken/", None),
            ("/integrations/v2/alertmanager/t0ken/", None),
        ];
        for (path, expected) in table {
            assert_eq!(address(path), expected, "{path}");
        }
    }
}
