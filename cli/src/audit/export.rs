//! Exports: asked for, waited for, and fetched file by file into a directory.
//!
//! What is there already and has the right hash is not fetched again, so whoever was interrupted asks again. The manifest is
//! written last: a directory with one is whole.

use std::fmt::Write as _;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use domain::evidence::bundle::{MANIFEST, Manifest};
use domain::log::Hash;
use jiff::Timestamp;
use watchkeeper::api::{Export, ExportFile, ExportState, NewExport};

use super::progress::Progress;
use crate::args::ExportArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::show::{BOLD, GREEN, RED, Show, YELLOW, aside, paint, text};

/// How long until it is asked again how far an export is.
const PAUSE: Duration = Duration::from_secs(2);

/// Asks for the export of a period; waits for it and fetches it as far as `wanted` says.
pub fn export(client: &Client, wanted: &ExportArgs, now: Timestamp, show: Show) -> Result<(), Failure> {
    let until = wanted.to.unwrap_or(now);
    let asked = NewExport { from: wanted.from, until, classes: wanted.classes.clone() };
    let mut export: Export = client.post("/v1/audit/exports", &asked)?;
    let path = format!("/v1/audit/exports/{}", export.id);
    if wanted.wait || wanted.output.is_some() {
        let progress = Progress::of("parts");
        while !matches!(export.state, ExportState::Finished | ExportState::Failed) {
            progress.at(export.done, export.total.unwrap_or(0));
            std::thread::sleep(PAUSE);
            export = client.get(&path)?;
        }
    }
    if export.state == ExportState::Failed {
        return Err(Failure::Failed {
            what: format!("export {} failed", export.id),
            fix: Some("ask for it again: it goes on where it stopped".to_owned()),
        });
    }
    if let Some(output) = &wanted.output {
        fetch(client, &path, &export, output)?;
        aside(&format!("{} watchkeeper audit verify {}\n", paint(GREEN, "verify it:"), output.display()));
    }
    show.print(&export, tell);
    Ok(())
}

/// Fetches the files of the bundle that are not in `output` yet.
fn fetch(client: &Client, path: &str, export: &Export, output: &Path) -> Result<(), Failure> {
    let progress = Progress::of("files");
    for (done, file) in (0..).zip(&export.files) {
        progress.at(done, export.files.len() as u64);
        let place = output.join(inside(&file.path)?);
        // The manifest and its note have no hash that would tell whether they are right: they are fetched anew.
        let there = file.sha256.is_some() && fs::read(&place).is_ok_and(|bytes| fits(file, &bytes));
        if there {
            continue;
        }
        let bytes = client.download(&format!("{path}/parts/{}", file.path))?;
        let wrong =
            || Failure::failed(format!("{} arrived otherwise than it was written; try again", text(&file.path)));
        if !fits(file, &bytes) || (file.path == MANIFEST && !lists(&bytes, export)) {
            return Err(wrong());
        }
        write(&place, &bytes)?;
    }
    Ok(())
}

/// Writes a file whole or not at all.
fn write(place: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("{}: {error}", place.display()));
    let partial = place.with_added_extension("part");
    place.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
    fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, place)).map_err(failed)
}

fn fits(file: &ExportFile, bytes: &[u8]) -> bool {
    file.sha256.as_ref().is_none_or(|sha256| Hash::of(bytes).as_str() == sha256)
}

/// Whether the manifest names the files that were fetched.
fn lists(manifest: &[u8], export: &Export) -> bool {
    let Ok(manifest) = serde_json::from_slice::<Manifest>(manifest) else { return false };
    let listed = manifest.parts.iter().map(|part| (part.path.as_str(), Some(part.sha256.as_str())));
    let fetched = export.files.iter().filter(|file| file.sha256.is_some());
    listed.eq(fetched.map(|file| (file.path.as_str(), file.sha256.as_deref())))
}

/// A path below the bundle, wherever it was said to be.
fn inside(path: &str) -> Result<PathBuf, Failure> {
    let below = Path::new(path);
    let plain = !path.contains('\\') && below.components().all(|part| matches!(part, Component::Normal(_)));
    if plain { Ok(below.to_owned()) } else { Err(Failure::failed(format!("{} is no file of a bundle", text(path)))) }
}

fn tell(export: &Export) -> String {
    let mut told = format!("{} {}\n", paint(BOLD, "export"), text(&export.id));
    match (export.state, export.records, export.findings) {
        (ExportState::Finished, Some(records), Some(findings)) => {
            let grave = export.grave.unwrap_or_default();
            let _ = writeln!(told, "  {records} records in {} files", export.files.len());
            let color = if grave > 0 { RED } else { YELLOW };
            let found = match findings {
                0 => paint(GREEN, "no findings"),
                1 => paint(color, "1 finding"),
                count => paint(color, &format!("{count} findings")),
            };
            let of_them = if grave > 0 { format!(", {grave} of them grave") } else { String::new() };
            let _ = writeln!(told, "  {found}{of_them}; report.html tells of them");
        }
        (_, _, _) => {
            let _ =
                writeln!(told, "  it is being made; the same command with --output DIR waits for it and fetches it");
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leads_out_of_the_directory() {
        assert!(inside("keys/01234567.pem").is_ok());
        for path in ["/etc/passwd", "../x", "keys/../../x", "a\\..\\b", "./x"] {
            assert!(inside(path).is_err(), "{path}");
        }
    }
}
