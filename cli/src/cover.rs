//! Overrides, swaps and absences: who takes whose turn for a while.

use anstyle::Style;
use domain::schedule::Covers;
use watchkeeper::api::{
    Absence, AbsenceList, Given, NewAbsence, NewOverride, NewSwap, Override, OverrideList, Removed,
};

use crate::args::{AbsenceCommand, OverrideCommand, Swap, Why};
use crate::client::{Client, encoded};
use crate::failure::Failure;
use crate::show::{self, BLUE, BOLD, DIM, GREEN, Show, paint, text};

/// Everything that is set now, for the rules that say who is on call.
pub fn all(client: &Client) -> Result<Covers, Failure> {
    let OverrideList { overrides } = client.get("/v1/overrides")?;
    let AbsenceList { absences } = client.get("/v1/absences")?;
    Ok(Covers {
        overrides: overrides.into_iter().map(Into::into).collect(),
        absences: absences.into_iter().map(Into::into).collect(),
    })
}

/// Sets, lists and removes overrides.
pub fn overrides(client: &Client, command: OverrideCommand, show: Show) -> Result<(), Failure> {
    match command {
        OverrideCommand::Add { schedule, person, time, instead_of, why: Why { reason, by } } => {
            let new = NewOverride { schedule, person, instead_of, from: time.from, until: time.until, reason, by };
            let set: Override = client.post("/v1/overrides", &new)?;
            show.print(&set, |set| format!("{} {}\n", paint(GREEN, "set:"), tell(set)));
        }
        OverrideCommand::List => {
            let list: OverrideList = client.get("/v1/overrides")?;
            show.print(&list, tell_all);
        }
        OverrideCommand::Remove { id } => remove(client, "overrides", &id, show)?,
    }
    Ok(())
}

/// Sets both halves of a swap.
pub fn swap(client: &Client, swap: Swap, show: Show) -> Result<(), Failure> {
    let Swap { schedule, one, other, time, return_from, return_until, why: Why { reason, by } } = swap;
    let (from, until) = (return_from.unwrap_or(time.from), return_until.unwrap_or(time.until));
    let one = Given { person: one, from: time.from, until: time.until };
    let new = NewSwap { schedule, one, other: Given { person: other, from, until }, reason, by };
    let set: OverrideList = client.post("/v1/swaps", &new)?;
    show.print(&set, |set| {
        set.overrides.iter().map(|half| [&paint(GREEN, "swapped:"), " ", &tell(half), "\n"].concat()).collect()
    });
    Ok(())
}

/// Sets, lists and removes absences.
pub fn absences(client: &Client, command: AbsenceCommand, show: Show) -> Result<(), Failure> {
    match command {
        AbsenceCommand::Add { person, time, why: Why { reason, by } } => {
            let new = NewAbsence { person, from: time.from, until: time.until, reason, by };
            let set: Absence = client.post("/v1/absences", &new)?;
            show.print(&set, |set| {
                let (from, until) = (show::time(set.from), show::time(set.until));
                let person = paint(BOLD, &text(&set.person));
                format!("{} {person} is away from {from} until {until} ({})\n", paint(GREEN, "set:"), text(&set.id))
            });
        }
        AbsenceCommand::List => {
            let list: AbsenceList = client.get("/v1/absences")?;
            show.print(&list, tell_absences);
        }
        AbsenceCommand::Remove { id } => remove(client, "absences", &id, show)?,
    }
    Ok(())
}

fn remove(client: &Client, kind: &str, id: &str, show: Show) -> Result<(), Failure> {
    let removed: Removed = client.delete(&format!("/v1/{kind}/{}", encoded(id)), &serde_json::json!({}))?;
    show.print(&removed, |removed| format!("{} {}\n", paint(GREEN, "removed"), text(&removed.id)));
    Ok(())
}

fn tell(set: &Override) -> String {
    let person = paint(BOLD, &text(&set.person));
    let instead = set.instead_of.as_ref().map(|who| format!(" instead of {}", text(who))).unwrap_or_default();
    let schedule = paint(BLUE, &text(&set.schedule));
    let (from, until) = (show::time(set.from), show::time(set.until));
    format!("{person} is on call for {schedule}{instead} from {from} until {until} ({})", text(&set.id))
}

fn tell_all(list: &OverrideList) -> String {
    if list.overrides.is_empty() {
        return "No overrides: the rotations decide alone.\n".to_owned();
    }
    let plain = Style::new();
    let row = |set: &Override| {
        [
            (DIM, text(&set.id)),
            (BLUE, text(&set.schedule)),
            (BOLD, text(&set.person)),
            (plain, text(set.instead_of.as_deref().unwrap_or("-"))),
            (plain, show::time(set.from)),
            (plain, show::time(set.until)),
            (plain, text(&set.by)),
            (plain, text(&set.reason)),
        ]
    };
    let rows: Vec<_> = list.overrides.iter().map(row).collect();
    show::table(["ID", "SCHEDULE", "PERSON", "INSTEAD OF", "FROM", "UNTIL", "BY", "REASON"], &rows)
}

fn tell_absences(list: &AbsenceList) -> String {
    if list.absences.is_empty() {
        return "Nobody is away.\n".to_owned();
    }
    let plain = Style::new();
    let row = |set: &Absence| {
        let (from, until) = ((plain, show::time(set.from)), (plain, show::time(set.until)));
        let (by, reason) = ((plain, text(&set.by)), (plain, text(&set.reason)));
        [(DIM, text(&set.id)), (BOLD, text(&set.person)), from, until, by, reason]
    };
    let rows: Vec<_> = list.absences.iter().map(row).collect();
    show::table(["ID", "PERSON", "FROM", "UNTIL", "BY", "REASON"], &rows)
}
