//! What another policy would change: its difference to the one that rules, and what it would have made of the past.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use domain::log::Hash;
use domain::policy::{Difference, Policy, difference};
use domain::rehearse::{Change, Group, Kind, Outcome, Pages, Rehearsal, What, summary};
use domain::route::Router;
use domain::schedule::Covers;
use serde::Serialize;

use crate::args;
use crate::client::Client;
use crate::failure::Failure;
use crate::history::History;
use crate::policy::{self, Warnings, short};
use crate::show::{self, BOLD, DIM, GREEN, RED, Show, YELLOW, paint, text};

/// How many lines of one sort are printed unless all of them are asked for.
const LISTED: usize = 10;

/// What would change.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// The policy that rules.
    pub active: Hash,
    /// The policy that is proposed.
    pub proposed: Hash,
    /// What is different between them, by noun.
    pub difference: Vec<Difference>,
    /// The pages that would change, gathered, the worst first.
    pub summary: Vec<Group>,
    /// What became of each recorded incident.
    #[serde(flatten)]
    pub rehearsal: Rehearsal,
}

impl Plan {
    /// What `proposed` would change, rehearsed on `history`.
    pub fn of(history: &History, proposed: &Policy) -> Self {
        let active = &history.active;
        let before = Router::new(active.policy.clone(), active.hash.clone());
        let after = Router::new(proposed.clone(), proposed.hash());
        let rehearsal = Rehearsal::of(&history.incidents, &history.routers(), &before, &after, Covers::NONE);
        Self {
            active: active.hash.clone(),
            proposed: after.hash().clone(),
            difference: difference(&active.policy, proposed),
            summary: summary(&rehearsal.changes),
            rehearsal,
        }
    }

    /// How many pages would be lost.
    pub fn lost(&self) -> usize {
        self.rehearsal.changes.iter().filter(|change| change.kind == Kind::Lost).count()
    }

    /// The plan for a person; `all` lists every change by itself.
    pub fn tell(&self, all: bool) -> String {
        let mut told = format!("{} -> {}\n", short(self.active.as_str()), paint(BOLD, short(self.proposed.as_str())));
        self.tell_difference(&mut told);
        self.tell_replay(&mut told);
        self.tell_pages(&mut told, all);
        self.tell_people(&mut told);
        told
    }

    fn tell_difference(&self, told: &mut String) {
        if self.difference.is_empty() {
            told.push_str("It is the policy that rules.\n");
        }
        let mut last = None;
        for Difference { noun, name, what } in &self.difference {
            if last != Some((noun, name)) {
                let _ = writeln!(told, "  {} {}", paint(DIM, noun), text(name));
            }
            last = Some((noun, name));
            let _ = writeln!(told, "    {}", text(what));
        }
        told.push('\n');
    }

    fn tell_replay(&self, told: &mut String) {
        let Rehearsal { incidents, signals, decisions, exact, faults, .. } = &self.rehearsal;
        if *incidents == 0 {
            told.push_str("Nothing was recorded that it could be rehearsed on.\n");
            return;
        }
        let style = if faults.is_empty() { GREEN } else { RED };
        let replay = format!("{} of {} decisions replay exactly", grouped(*exact as u64), grouped(*decisions as u64));
        let of = format!("{} incidents, {} signals", grouped(*incidents as u64), grouped(*signals));
        let _ = writeln!(told, "{}: {of}", paint(style, &replay));
        for fault in faults.iter().take(LISTED) {
            let why = if fault.instead.is_some() { "is decided otherwise" } else { "is not to be had" };
            let _ = writeln!(told, "  {} by policy {} {why}", fault.incident, short(fault.policy.as_str()));
        }
        if faults.len() > LISTED {
            let _ = writeln!(told, "  and {} more; --json lists them", faults.len() - LISTED);
        }
    }

    fn tell_pages(&self, told: &mut String, all: bool) {
        let changes = &self.rehearsal.changes;
        if self.rehearsal.incidents == 0 {
            return;
        }
        if changes.is_empty() {
            let _ = writeln!(told, "{}", paint(GREEN, "No page would change."));
            return;
        }
        told.push('\n');
        if all {
            for change in changes {
                tell_change(told, change);
            }
            return;
        }
        for group in self.summary.iter().take(LISTED) {
            let _ = writeln!(told, "{}", paint(style(group.kind), &headline(group)));
            tell_why(told, &group.before, &group.after);
            let _ = writeln!(told, "    {} {}", paint(DIM, "such as"), group.example);
        }
        if self.summary.len() > LISTED {
            let _ = writeln!(told, "and {} sorts more; --all lists every page", self.summary.len() - LISTED);
        }
    }

    fn tell_people(&self, told: &mut String) {
        if self.rehearsal.people.is_empty() {
            return;
        }
        let change = |before: u32, after: u32| {
            if before == after { before.to_string() } else { format!("{before} -> {after}") }
        };
        let rows: Vec<_> = self
            .rehearsal
            .people
            .iter()
            .map(|(who, load)| {
                let (Pages { all, at_night }, after) = (load.before, load.after);
                let style = if load.before == load.after { DIM } else { BOLD };
                [(style, name(who)), (style, change(all, after.all)), (style, change(at_night, after.at_night))]
            })
            .collect();
        told.push('\n');
        told.push_str(&show::table(["FIRST TOLD", "PAGES", "AT NIGHT"], &rows));
    }
}

/// Shows what the policy in a file would change.
pub fn plan(asked: &args::Plan, client: impl FnOnce() -> Result<Client, Failure>, show: Show) -> Result<(), Failure> {
    let proposed = policy::read(&asked.file, Warnings::Told)?.0;
    let history = if let Some(file) = &asked.from {
        History::read(file)?
    } else {
        let client = client()?;
        let active = client.get("/v1/policy")?;
        History::fetch(&client, active, &asked.span)?
    };
    let plan = Plan::of(&history, &proposed);
    show.print(&plan, |plan| plan.tell(asked.all));
    match (plan.rehearsal.faults.len(), plan.rehearsal.changes.len()) {
        (0, 0) => Ok(()),
        (0, pages) => Err(Failure::Changes { pages }),
        (decisions, _) => Err(Failure::Replay { decisions }),
    }
}

const fn style(kind: Kind) -> anstyle::Style {
    match kind {
        Kind::Lost => RED,
        Kind::Moved | Kind::Gained => YELLOW,
        Kind::Later | Kind::Ticket => BOLD,
    }
}

/// What a group of changes comes to, such as `47 pages would go to ben instead of ana`.
fn headline(Group { kind, count, before, after, .. }: &Group) -> String {
    let pages = counted(*count, "page");
    let (old, new) = (names(&before.who), names(&after.who));
    match kind {
        Kind::Lost => format!("{} to {old} would no longer be sent: {}", pages, instead(after)),
        Kind::Moved => format!("{pages} would go to {new} instead of {old}"),
        Kind::Gained => format!("{} to {new} would be new: {} before", pages, instead(before)),
        Kind::Later => format!("{pages} to {old} would go on otherwise if nobody answers"),
        Kind::Ticket if after.what == What::Ticket => format!("{} would go to {new}", counted(*count, "ticket")),
        Kind::Ticket => format!("{} to {old} would no longer be written", counted(*count, "ticket")),
    }
}

/// What happens where nobody is paged.
fn instead(outcome: &Outcome) -> &'static str {
    match outcome.what {
        What::Page => "there is nobody to tell",
        What::Ticket => "told once, as a ticket",
        What::Nothing => "nobody is told",
        What::Simulated => "only simulated",
    }
}

fn tell_why(told: &mut String, before: &Outcome, after: &Outcome) {
    let _ = writeln!(told, "    {} {}", paint(DIM, "before:"), text(&before.why));
    let _ = writeln!(told, "    {} {}", paint(DIM, " after:"), text(&after.why));
}

fn tell_change(told: &mut String, change: &Change) {
    let Change { incident, at, title, kind, before, after } = change;
    let was = if before.who.is_empty() { instead(before).to_owned() } else { names(&before.who) };
    let is = if after.who.is_empty() { instead(after).to_owned() } else { names(&after.who) };
    let who = if was == is { format!("{was}, and then otherwise") } else { format!("{was} -> {is}") };
    let who = paint(style(*kind), &who);
    let _ = writeln!(told, "{}  {incident}  {who}  {}", show::time(*at), text(title));
    tell_why(told, before, after);
}

/// Some people and places, such as `ana and channel ops`.
pub fn names(who: &[String]) -> String {
    let all: BTreeSet<String> = who.iter().map(|who| name(who)).collect();
    if all.is_empty() { "nobody".to_owned() } else { all.into_iter().collect::<Vec<_>>().join(" and ") }
}

/// `person:ana` as `ana`, and `channel:ops` as `channel ops`.
fn name(who: &str) -> String {
    text(&who.strip_prefix("person:").map_or_else(|| who.replacen(':', " ", 1), str::to_owned))
}

fn counted(count: usize, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count as u64), if count == 1 { "" } else { "s" })
}

/// A number with a comma before every three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_number_is_grouped_by_thousands() {
        for (number, shown) in [(0, "0"), (999, "999"), (1000, "1,000"), (100_000, "100,000"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(number), shown);
        }
    }
}
