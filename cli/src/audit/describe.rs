//! What is there, in plain words: in a bundle, or in a stream.

use std::fmt::Write as _;
use std::path::Path;

use domain::evidence::bundle::{MANIFEST, Manifest};
use jiff::Timestamp;
use serde::Deserialize;
use watchkeeper::api::Records;

use super::verify::{covers, withheld};
use crate::client::Client;
use crate::failure::Failure;
use crate::show::{BLUE, BOLD, DIM, Show, paint, table, text, time};

/// Says what a bundle's manifest says, unverified.
pub fn bundle(dir: &Path, show: Show) -> Result<(), Failure> {
    let path = dir.join(MANIFEST);
    let manifest: Manifest = serde_json::from_str(&super::read(&path)?)
        .map_err(|error| Failure::failed(format!("{} is no manifest: {error}", path.display())))?;
    show.print(&manifest, tell_bundle);
    Ok(())
}

fn tell_bundle(manifest: &Manifest) -> String {
    let selection = &manifest.selection;
    let mut told = format!("{} {}\n", paint(BLUE, "export"), paint(BOLD, &text(&manifest.id)));
    let _ = writeln!(told, "  from {} until {}", time(selection.from), time(selection.until));
    let _ = writeln!(told, "  {} records of {} streams, {}", manifest.records, manifest.streams, covers(manifest));
    told.push_str(&withheld(manifest));
    let row = |part: &domain::evidence::bundle::Part| {
        [(BOLD, text(&part.path)), (DIM, part.bytes.to_string()), (DIM, part.sha256.as_str()[..16].to_owned())]
    };
    let rows: Vec<_> = manifest.parts.iter().map(row).collect();
    told.push_str(&table(["FILE", "BYTES", "SHA-256"], &rows));
    told.push_str(&paint(DIM, "This is what the bundle says of itself: watchkeeper audit verify checks it."));
    told + "\n"
}

/// What is told of a record; what it does not have is left out.
#[derive(Deserialize)]
struct Told {
    at: Option<Timestamp>,
    #[serde(default)]
    cause: String,
    #[serde(default)]
    events: Vec<serde_json::Value>,
}

/// Lists the records of a stream.
pub fn stream(client: &Client, name: &str, show: Show) -> Result<(), Failure> {
    let mut records = client.stream(name, 0)?;
    while let Some(from) = records.next {
        let part = client.stream(name, from)?;
        // An answer that does not move on would be asked for without end.
        records.next = part.next.filter(|next| *next > from);
        records.entries.extend(part.entries);
    }
    show.print(&records, tell_stream);
    Ok(())
}

fn tell_stream(records: &Records) -> String {
    let row = |(seq, entry): (usize, &domain::log::Entry)| {
        let told = serde_json::from_str::<Told>(&entry.body).ok();
        let at = told.as_ref().and_then(|told| told.at).map(time).unwrap_or_default();
        let (cause, events) = told.map_or_else(Default::default, |told| (told.cause, told.events));
        let kinds: Vec<String> = events.iter().map(kind).collect();
        [
            (BOLD, seq.to_string()),
            (DIM, at),
            (BLUE, text(&kinds.join(", "))),
            (DIM, entry.hash.as_str().get(..16).unwrap_or_default().to_owned()),
            (DIM, text(&cause)),
        ]
    };
    if records.entries.is_empty() {
        return format!("{} has no records\n", text(&records.stream));
    }
    table(
        ["RECORD", "WRITTEN", "WHAT HAPPENED", "SHA-256", "CAUSE"],
        &records.entries.iter().enumerate().map(row).collect::<Vec<_>>(),
    )
}

/// The name of an event.
fn kind(event: &serde_json::Value) -> String {
    event.get("type").and_then(serde_json::Value::as_str).unwrap_or("event").to_owned()
}
