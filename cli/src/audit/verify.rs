//! Verification without any network: bundles, proofs and archives.

use std::fmt::Write as _;
use std::path::Path;

use domain::evidence::bundle::{Manifest, Wrong};
use domain::evidence::proof::{Proof, Proven};
use watchkeeper::verify::{self, Archive, Trust, Unreadable, Verdict, Vouching};

use super::progress::Progress;
use crate::failure::Failure;
use crate::show::{BLUE, BOLD, GREEN, RED, Show, YELLOW, paint, text, time};

/// Verifies what is at `what`: a folder is a bundle, a file is a proof.
pub fn verify(what: &Path, trust: &Trust, show: Show) -> Result<(), Failure> {
    if what.is_file() { proof(what, trust, show) } else { bundle(what, trust, show) }
}

fn bundle(dir: &Path, trust: &Trust, show: Show) -> Result<(), Failure> {
    if dir.join("checkpoints").is_dir() {
        let what = format!("{} is an archive: watchkeeper audit restore verifies it", dir.display());
        return Err(Failure::Usage(what));
    }
    let progress = Progress::of_bytes();
    let verdict = verify::bundle(dir, trust, &|done, of| progress.at(done, of)).map_err(|why| unreadable(&why))?;
    drop(progress);
    show.print(&verdict, tell);
    unsound(&dir.display().to_string(), &verdict.wrong)
}

/// Verifies the archive in a folder.
pub fn archive(dir: &Path, trust: &Trust, show: Show) -> Result<(), Failure> {
    let progress = Progress::of_bytes();
    let verdict = verify::archive(dir, trust, &|done, of| progress.at(done, of)).map_err(|why| unreadable(&why))?;
    drop(progress);
    show.print(&verdict, tell_archive);
    unsound(&dir.display().to_string(), &verdict.wrong)
}

fn proof(path: &Path, trust: &Trust, show: Show) -> Result<(), Failure> {
    let name = path.display().to_string();
    let proof: Proof = serde_json::from_str(&super::read(path)?).map_err(|error| Failure::Failed {
        what: format!("{name} is no proof: {error}"),
        fix: Some("watchkeeper audit prove writes them; a bundle is a folder".to_owned()),
    })?;
    if trust.keys.is_empty() {
        let what = "a proof does not come with a key: give the owner's with --key".to_owned();
        return Err(Failure::Usage(what));
    }
    match proof.verified(&name, &trust.keys) {
        Ok(proven) => {
            show.print(&proven, tell_proven);
            Ok(())
        }
        Err(wrong) => {
            show.print(&wrong, |wrong| listed(std::slice::from_ref(wrong)));
            unsound(&name, &[wrong])
        }
    }
}

/// Fails where something was found wrong with `what`.
pub fn unsound(what: &str, wrong: &[Wrong]) -> Result<(), Failure> {
    match wrong.len() {
        0 => Ok(()),
        places => Err(Failure::Unsound { what: what.to_owned(), places }),
    }
}

fn unreadable(why: &Unreadable) -> Failure {
    let what = why.to_string();
    if why.absent { Failure::NotFound { what, fix: None } } else { Failure::failed(what) }
}

fn tell(verdict: &Verdict) -> String {
    let Some(manifest) = &verdict.manifest else { return listed(&verdict.wrong) };
    if !verdict.sound {
        return listed(&verdict.wrong);
    }
    let counted = format!("{} records of {} streams", manifest.records, manifest.streams);
    format!("{} {counted}, {}\n{}{}", paint(GREEN, "sound:"), covers(manifest), withheld(manifest), keys(&verdict.keys))
}

fn tell_archive(archive: &Archive) -> String {
    if !archive.sound {
        return listed(&archive.wrong);
    }
    let Archive { streams, records, waiting, .. } = archive;
    let last = archive.checkpoint.map(|last| format!(", up to checkpoint {last}")).unwrap_or_default();
    let mut told = format!("{} {records} records of {streams} streams{last}\n", paint(GREEN, "sound:"));
    if *waiting > 0 {
        let _ = writeln!(told, "  {waiting} more are archived and wait for the next checkpoint");
    }
    told + &keys(&archive.keys)
}

fn tell_proven(proven: &Proven) -> String {
    let Proven { origin, stream, seq, checkpoint, at, key, .. } = proven;
    format!(
        "{} record {seq} of {} was in {} at {}\n  checkpoint {checkpoint}, signed by key {key}\n",
        paint(GREEN, "proven:"),
        text(stream),
        text(origin),
        time(*at),
    )
}

/// What a manifest says it covers.
pub fn covers(manifest: &Manifest) -> String {
    let (span, origin) = (manifest.checkpoints, text(&manifest.selection.origin));
    if span.last == span.after {
        return format!("no checkpoint of {origin}");
    }
    format!("checkpoints {} to {} of {origin}", span.first, span.last)
}

/// What a manifest says is left out.
pub fn withheld(manifest: &Manifest) -> String {
    match manifest.withheld.len() {
        0 => String::new(),
        1 => "  1 stream is withheld because of its data class\n".to_owned(),
        count => format!("  {count} streams are withheld because of their data class\n"),
    }
}

/// Which keys count, and what to do about those that the reader did not name.
pub fn keys(keys: &[Vouching]) -> String {
    let line = |key: &Vouching| format!("  key {}, fingerprint {}\n", paint(BOLD, &key.id), key.fingerprint);
    let mut told: String = keys.iter().map(line).collect();
    if keys.iter().any(|key| !key.confirmed) {
        let compare = "the key came with the evidence: compare the fingerprint with the one that its owner published";
        let _ = writeln!(told, "  {} {compare}, or give --key", paint(YELLOW, "note:"));
    }
    told
}

/// What is wrong, a line for each.
pub fn listed(wrong: &[Wrong]) -> String {
    let line = |wrong: &Wrong| {
        let (place, how) = (text(&wrong.place.to_string()), text(&wrong.how.to_string()));
        format!("{} {}: {how}\n", paint(RED, "wrong:"), paint(BLUE, &place))
    };
    wrong.iter().map(line).collect()
}
