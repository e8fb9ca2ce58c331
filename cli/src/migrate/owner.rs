//! Owners: services, the teams that own them, and whom each pages.

use std::collections::BTreeSet;

use domain::policy::{Ladder, Service, Step, Target, Team};

use super::draft::{Draft, Section};

/// Whom a service pages there.
#[derive(Debug, Clone, Copy)]
pub struct Pages<'a> {
    /// The team that owns it.
    pub team: &'a str,
    /// The escalation, where one is known.
    pub escalation: Option<&'a str>,
    /// Its level, where it has one.
    pub level: Option<Ladder>,
}

impl Draft {
    /// Adds a service. The first of a team says what the team's escalation is; one that differs has a route of its own.
    pub fn service(&mut self, name: &str, pages: Pages<'_>) {
        let Pages { team, escalation, level } = pages;
        let service = Service {
            team: team.to_owned(),
            tier: None,
            data_class: None,
            runbook: None,
            dashboards: Vec::new(),
            alerts: Vec::new(),
            mode: None,
        };
        self.policy.services.insert(name.to_owned(), service);
        let default = self.policy.teams.get_mut(team).map(|team| &mut team.escalation);
        let differs = match (default, escalation) {
            (Some(default), Some(own)) => default.get_or_insert_with(|| own.to_owned()) != own,
            _ => false,
        };
        let own = escalation.filter(|_| differs);
        if own.is_some() || level.is_some() {
            let route = Self::route(format!("service {name}"), format!("incident.service == \"{name}\""));
            self.policy.routes.push(domain::policy::Route { escalation: own.map(str::to_owned), level, ..route });
        }
    }

    /// Adds a team of `members`; `false` when there is nobody, as a team without people is none.
    pub fn team(&mut self, name: &str, members: impl IntoIterator<Item = String>) -> bool {
        let members: Vec<String> = members.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let any = !members.is_empty();
        if any {
            self.policy.teams.insert(name.to_owned(), Team { members, escalation: None });
        }
        any
    }

    /// The team of whoever is told by an escalation: where nobody owns a service, those do who are paged for it.
    pub fn team_of_escalation(&mut self, escalation: &str, called: &str) -> Option<String> {
        let id = format!("of escalation {escalation}");
        if let Some(known) = self.known(Section::Teams, &id) {
            return Some(known);
        }
        let people = self.told_by(&self.policy.escalations.get(escalation)?.steps);
        if people.is_empty() {
            return None;
        }
        let name = self.name(Section::Teams, &id, called);
        let why = format!("no team owned its services there: these are the people of escalation {escalation}");
        self.origin(format!("teams.{name}"), why);
        self.team(&name, people);
        Some(name)
    }

    /// Everybody whom `steps` may tell.
    fn told_by(&self, steps: &[Step]) -> BTreeSet<String> {
        let policy = &self.policy;
        let of = |target: &Target| -> Vec<String> {
            match target {
                Target::Person(name) => vec![name.clone()],
                Target::Team(name) => policy.teams.get(name).map(|team| team.members.clone()).unwrap_or_default(),
                Target::Schedule(name) | Target::Next(name) => {
                    policy.schedules.get(name).map(|named| named.members().cloned().collect()).unwrap_or_default()
                }
                Target::Channel(_) => Vec::new(),
            }
        };
        steps.iter().flat_map(|step| &step.notify).flat_map(of).collect()
    }

    /// The people whom the export knows as `ids`, in their order; or who of them nobody knows.
    pub fn members<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, String> {
        let named = ids.into_iter().map(|id| {
            let known = self.known(Section::People, id).filter(|name| self.policy.people.contains_key(name));
            known.ok_or_else(|| format!("it has turns of `{id}`, who is not among the people of the export"))
        });
        let members = named.collect::<Result<Vec<_>, _>>()?;
        if members.is_empty() { Err("nobody takes turns in it".to_owned()) } else { Ok(members) }
    }
}
