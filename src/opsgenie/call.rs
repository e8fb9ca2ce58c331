//! Which call a request is, by its method and its address.

use http::Method;

/// Where the API is in Jira Service Management, which took it over; in Opsgenie it is at the root.
const JSM: &str = "/jsm/ops/integration";

/// A call of the Alert API, or the one call of the Heartbeat API that senders make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    /// Opens an alert.
    Create,
    /// Does something to an alert.
    Act(String, Action),
    /// Says that a sender is alive: the heartbeat of this name.
    Ping(String),
    /// Changes nothing.
    Show(Show),
}

/// What can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Show {
    /// Lists alerts.
    List,
    /// Counts alerts.
    Count,
    /// Says what became of a request.
    Status(String),
    /// Shows an alert.
    Get(String),
    /// Lists an alert's notes.
    Notes(String),
    /// Lists what happened to an alert.
    Logs(String),
}

/// What can be done to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Create,
    Close,
    Acknowledge,
    Unacknowledge,
    Snooze,
    Escalate,
    Assign,
    AddTeam,
    AddResponder,
    AddNote,
    AddTags,
    RemoveTags,
    AddDetails,
    RemoveDetails,
    UpdateMessage,
    UpdateDescription,
    UpdatePriority,
}

/// Why a request is no call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoCall {
    /// There is nothing at its address.
    Nowhere,
    /// Another method is needed.
    Method(&'static str),
    /// Opsgenie has it, and we do not.
    NotOffered(&'static str),
}

impl Action {
    /// Each of them, its word in addresses, its method, and its name in the status of a request. The order is for good:
    /// request ids hold the place.
    const ALL: [(Self, &'static str, Method, &'static str); 17] = [
        (Self::Create, "", Method::POST, "Create"),
        (Self::Close, "close", Method::POST, "Close"),
        (Self::Acknowledge, "acknowledge", Method::POST, "Acknowledge"),
        (Self::Unacknowledge, "unacknowledge", Method::POST, "UnAcknowledge"),
        (Self::Snooze, "snooze", Method::POST, "Snooze"),
        (Self::Escalate, "escalate", Method::POST, "Escalate"),
        (Self::Assign, "assign", Method::POST, "Assign"),
        (Self::AddTeam, "teams", Method::POST, "AddTeam"),
        (Self::AddResponder, "responders", Method::POST, "AddResponder"),
        (Self::AddNote, "notes", Method::POST, "AddNote"),
        (Self::AddTags, "tags", Method::POST, "AddTags"),
        (Self::RemoveTags, "tags", Method::DELETE, "RemoveTags"),
        (Self::AddDetails, "details", Method::POST, "AddDetails"),
        (Self::RemoveDetails, "details", Method::DELETE, "RemoveDetails"),
        (Self::UpdateMessage, "message", Method::PUT, "UpdateMessage"),
        (Self::UpdateDescription, "description", Method::PUT, "UpdateDescription"),
        (Self::UpdatePriority, "priority", Method::PUT, "UpdatePriority"),
    ];

    /// Its name in the status of a request.
    pub(super) fn name(self) -> &'static str {
        Self::ALL[usize::from(self.place())].3
    }

    /// Its place in the list of all.
    pub(super) const fn place(self) -> u8 {
        self as u8
    }

    /// The one at `place`.
    pub(super) fn at(place: u8) -> Option<Self> {
        Self::ALL.get(usize::from(place)).map(|(action, ..)| *action)
    }

    fn of(method: &Method, word: &str) -> Option<Self> {
        let mut known = Self::ALL.iter().filter(|(_, known, ..)| !known.is_empty() && *known == word);
        known.find(|(_, _, by, _)| by == method).map(|(action, ..)| *action)
    }

    fn is_word(word: &str) -> bool {
        Self::ALL.iter().any(|(_, known, ..)| !known.is_empty() && *known == word)
    }
}

impl Call {
    /// The call that a request is.
    pub(super) fn of(method: &Method, path: &str) -> Result<Self, NoCall> {
        let path = path.strip_prefix(JSM).unwrap_or(path);
        if let Some(rest) = path.strip_prefix("/v2/heartbeats/") {
            return Self::heartbeat(method, rest);
        }
        let rest = path.strip_prefix("/v2/alerts").ok_or(NoCall::Nowhere)?;
        let rest = match rest.strip_prefix('/') {
            Some(rest) => rest.trim_end_matches('/'),
            None if rest.is_empty() => rest,
            None => return Err(NoCall::Nowhere),
        };
        let get = |show| if method == Method::GET { Ok(Self::Show(show)) } else { Err(NoCall::Method("GET")) };
        match rest.split_once('/') {
            None if rest.is_empty() => match *method {
                Method::POST => Ok(Self::Create),
                Method::GET => Ok(Self::Show(Show::List)),
                _ => Err(NoCall::Method("GET, POST")),
            },
            None if rest == "count" => get(Show::Count),
            Some(("requests", id)) => get(Show::Status(decoded(id))),
            _ if rest == "saved-searches" || rest.starts_with("saved-searches/") => {
                Err(NoCall::NotOffered("Saved searches are not offered: write the query itself."))
            }
            _ => Self::about(method, rest),
        }
    }

    /// A call about one heartbeat.
    fn heartbeat(method: &Method, rest: &str) -> Result<Self, NoCall> {
        let Some(name) = rest.trim_end_matches('/').strip_suffix("/ping") else {
            return Err(NoCall::NotOffered("Heartbeats are kept in the policy: only ping is offered."));
        };
        match *method {
            Method::GET | Method::POST | Method::PUT | Method::PATCH => Ok(Self::Ping(decoded(name))),
            _ => Err(NoCall::Method("GET, POST, PUT, PATCH")),
        }
    }

    /// A call about one alert. Somebody before us may have decoded its name, which may hold a slash then.
    fn about(method: &Method, rest: &str) -> Result<Self, NoCall> {
        let (alert, word) = rest.rsplit_once('/').unwrap_or((rest, ""));
        match (word, method) {
            ("notes", &Method::GET) => return Ok(Self::Show(Show::Notes(decoded(alert)))),
            ("logs", &Method::GET) => return Ok(Self::Show(Show::Logs(decoded(alert)))),
            ("logs", _) => return Err(NoCall::Method("GET")),
            ("recipients" | "attachments", _) => {
                return Err(NoCall::NotOffered("Recipients and attachments are not offered."));
            }
            _ => {}
        }
        if let Some(action) = Action::of(method, word) {
            return Ok(Self::Act(decoded(alert), action));
        }
        match *method {
            _ if Action::is_word(word) => Err(NoCall::Method("POST, PUT, DELETE")),
            Method::GET => Ok(Self::Show(Show::Get(decoded(rest)))),
            Method::DELETE => Err(NoCall::NotOffered("Alerts are kept as evidence and can not be deleted: close it.")),
            Method::POST if !word.is_empty() => Err(NoCall::Nowhere),
            _ => Err(NoCall::Method("GET")),
        }
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_known_by_its_method_and_address() {
        let act = |alert: &str, action| Ok(Call::Act(alert.to_owned(), action));
        let table = [
            ("POST", "/v2/alerts", Ok(Call::Create)),
            ("POST", "/jsm/ops/integration/v2/alerts", Ok(Call::Create)),
            ("GET", "/v2/alerts/", Ok(Call::Show(Show::List))),
            ("GET", "/v2/alerts/count", Ok(Call::Show(Show::Count))),
            ("GET", "/v2/alerts/requests/r-1", Ok(Call::Show(Show::Status("r-1".to_owned())))),
            ("GET", "/v2/alerts/a%2Fb%20c", Ok(Call::Show(Show::Get("a/b c".to_owned())))),
            ("GET", "/v2/alerts/a/b", Ok(Call::Show(Show::Get("a/b".to_owned())))),
            ("GET", "/v2/alerts/a/notes", Ok(Call::Show(Show::Notes("a".to_owned())))),
            ("POST", "/v2/alerts/a/notes", act("a", Action::AddNote)),
            ("GET", "/v2/alerts/a/logs", Ok(Call::Show(Show::Logs("a".to_owned())))),
            ("POST", "/v2/alerts/a%2Fclose/close", act("a/close", Action::Close)),
            ("POST", "/jsm/ops/integration/v2/alerts/a/acknowledge", act("a", Action::Acknowledge)),
            ("POST", "/v2/alerts/a/tags", act("a", Action::AddTags)),
            ("DELETE", "/v2/alerts/a/tags", act("a", Action::RemoveTags)),
            ("PUT", "/v2/alerts/a/priority", act("a", Action::UpdatePriority)),
            ("PUT", "/v2/alerts", Err(NoCall::Method("GET, POST"))),
            ("GET", "/v2/alerts/a/close", Err(NoCall::Method("POST, PUT, DELETE"))),
            ("POST", "/v2/alerts/count", Err(NoCall::Method("GET"))),
            ("POST", "/v2/alerts/a/actions/restart", Err(NoCall::Nowhere)),
            ("GET", "/v2/alertsx", Err(NoCall::Nowhere)),
            ("GET", "/v2/heartbeats/backup/ping", Ok(Call::Ping("backup".to_owned()))),
            ("POST", "/jsm/ops/integration/v2/heartbeats/a%20b/ping", Ok(Call::Ping("a b".to_owned()))),
            ("DELETE", "/v2/heartbeats/backup/ping", Err(NoCall::Method("GET, POST, PUT, PATCH"))),
        ];
        for (method, path, expected) in table {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            assert_eq!(Call::of(&method, path), expected, "{method} {path}");
        }
        for (method, path) in [(Method::DELETE, "/v2/alerts/a"), (Method::GET, "/v2/alerts/saved-searches")] {
            assert!(matches!(Call::of(&method, path), Err(NoCall::NotOffered(_))), "{path}");
        }
    }

    #[test]
    fn every_action_is_at_its_own_place() {
        for (place, (action, ..)) in (0..).zip(Action::ALL) {
            assert_eq!((action.place(), Action::at(place)), (place, Some(action)));
        }
        assert_eq!(Action::at(17), None);
    }
}
