//! Whether what must always hold does.

use std::fmt::Write as _;

use watchkeeper::api::{Fsck, FsckRepair, Repaired};

use crate::client::{Client, encoded};
use crate::failure::Failure;
use crate::show::{BLUE, BOLD, DIM, GREEN, RED, Show, YELLOW, aside, paint, text};

/// Checks everything, and says what is wrong, the worst first; before that, with `repair`, has the sweep come by.
pub fn check(client: &Client, repair: bool, show: Show) -> Result<(), Failure> {
    if repair {
        let repaired: Repaired = client.post("/v1/fsck/repair", &serde_json::json!({}))?;
        aside(&mended(&repaired));
    }
    let mut all = Fsck::default();
    loop {
        let cursor = all.next.take().map(|cursor| format!("?cursor={}", encoded(&cursor))).unwrap_or_default();
        let part: Fsck = client.get(&format!("/v1/fsck{cursor}"))?;
        all.incidents += part.incidents;
        all.records += part.records;
        all.findings.extend(part.findings);
        all.next = part.next;
        if all.next.is_none() {
            break;
        }
    }
    all.findings.sort();
    all.findings.dedup();
    show.print(&all, tell);
    let broken = all.findings.iter().filter(|finding| finding.invariant != "INV8").count();
    if all.is_well() { Ok(()) } else { Err(Failure::Unwell { findings: broken }) }
}

fn mended(repaired: &Repaired) -> String {
    let Repaired { looked, neglected, in_vain, released, through } = repaired;
    let started = neglected + released;
    let mut told = format!("the sweep looked at {looked} incidents and had {started} of them looked at once more\n");
    if *in_vain > 0 {
        let _ = writeln!(
            told,
            "  {}",
            paint(RED, &format!("{in_vain} of them in vain before: see docs/runbooks.md#sweep"))
        );
    }
    if !through {
        let _ = writeln!(told, "  {}", paint(DIM, "the next sweep goes on where this one stopped"));
    }
    told
}

fn tell(all: &Fsck) -> String {
    let looked = format!("{} incidents, {} records", all.incidents, all.records);
    let mut told = if all.is_well() {
        paint(GREEN, &format!("All is well: {looked}.")) + "\n"
    } else {
        format!("{} in {looked}.\n", paint(RED, "Something is wrong"))
    };
    for finding in &all.findings {
        let style = if finding.invariant == "INV8" { YELLOW } else { RED };
        let about = finding.incident.as_ref().map(|id| format!(" {}", paint(BLUE, &text(id)))).unwrap_or_default();
        let head = paint(style, &format!("{} {}", text(&finding.invariant), text(&finding.fault)));
        let _ = writeln!(told, "\n{head}{about}\n  {}", paint(BOLD, &text(&finding.place)));
        let by = match finding.repaired_by {
            FsckRepair::Watchkeeper => "repairs itself",
            FsckRepair::Person => "to repair it",
            FsckRepair::Nobody => "not repaired",
        };
        let _ = writeln!(told, "  it means: {}\n  {by}: {}", text(&finding.means), text(&finding.repair));
    }
    told
}
