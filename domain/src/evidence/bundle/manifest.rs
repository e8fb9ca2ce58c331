//! The manifest: what a bundle covers and which files it has, signed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::wrong::{How, Place, Wrong};
use super::{FORMAT, MANIFEST, MANIFEST_NOTE};
use crate::evidence::note::{Note, PublicKey};
use crate::log::Hash;

/// How many hex digits an export's id has.
const ID: usize = 20;

/// What an export was asked for. The same again is the same export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// The log it is of.
    pub origin: String,
    /// The first instant it is about.
    pub from: Timestamp,
    /// The first instant it is no longer about.
    pub until: Timestamp,
    /// The data classes to include, sorted; without any, all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
}

/// The checkpoints that a bundle covers: `first..=last`; none, if `last` is `after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The last checkpoint before, or 0.
    pub after: u64,
    /// The first that is covered: `after` and one.
    pub first: u64,
    /// The last that is covered.
    pub last: u64,
}

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where it is, below the bundle.
    pub path: String,
    /// The SHA-256 of the file as it is, compressed if it is.
    pub sha256: Hash,
    /// How many bytes it has.
    pub bytes: u64,
}

/// What a bundle covers and which files it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The id of the export.
    pub id: String,
    /// What was asked for.
    #[serde(flatten)]
    pub selection: Selection,
    /// The checkpoints it covers.
    pub checkpoints: Span,
    /// How many streams have records in it.
    pub streams: u64,
    /// How many records it has.
    pub records: u64,
    /// The streams, sorted, whose heads are in it and whose records are left out because of their data class.
    pub withheld: Vec<String>,
    /// Every file but the manifest and its note, sorted by path.
    pub parts: Vec<Part>,
}

impl Selection {
    /// The id of the export: a part of the hash of what was asked for.
    pub fn id(&self) -> String {
        let asked = serde_json_canonicalizer::to_string(self).expect("a selection is plain JSON");
        Hash::of(asked.as_bytes()).as_str()[..ID].to_owned()
    }
}

impl Span {
    /// The checkpoints after number `after`, up to number `last`.
    pub const fn new(after: u64, last: u64) -> Self {
        Self { after, first: after + 1, last }
    }
}

impl Manifest {
    /// The file: canonical JSON (RFC 8785).
    pub fn file(&self) -> String {
        serde_json_canonicalizer::to_string(self).expect("a manifest is plain JSON")
    }

    /// The text that is signed in the name of the origin, and that the note of the manifest holds.
    pub fn text(&self) -> String {
        let Selection { origin, .. } = &self.selection;
        format!("{origin}/export\n{}\n{}\n", self.id, Hash::of(self.file().as_bytes()))
    }

    /// Reads `file`, if `note` says that one of `keys` signed it; and says which.
    pub fn verified<'k>(file: &[u8], note: &Note, keys: &'k [PublicKey]) -> Result<(Self, &'k PublicKey), Wrong> {
        let malformed = |why: String| Place::file(MANIFEST).wrong(How::Malformed { why });
        let manifest: Self = serde_json::from_slice(file).map_err(|error| malformed(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(Place::file(MANIFEST).wrong(How::Format { found: manifest.format }));
        }
        let unsigned = |why| Place::file(MANIFEST_NOTE).wrong(How::Unsigned { why });
        let (text, key) = note.verified(&manifest.selection.origin, keys).map_err(unsigned)?;
        let forged = || Place::file(MANIFEST).wrong(How::ManifestDiffers);
        // The note vouches for the bytes, and the manifest is what those bytes say and nothing beside it.
        if manifest.text() != text || manifest.file().as_bytes() != file || !note.is_signed_once() {
            return Err(forged());
        }
        manifest.consistent().map_err(malformed)?;
        Ok((manifest, key))
    }

    /// Whether it could be written by an export: the order and the form of what it lists.
    fn consistent(&self) -> Result<(), String> {
        let Span { after, first, last } = self.checkpoints;
        if after.checked_add(1) != Some(first) || last < after {
            return Err("its checkpoints do not follow each other".to_owned());
        }
        if let Some(pair) = self.parts.windows(2).find(|pair| pair[0].path >= pair[1].path) {
            return Err(format!("its parts are not sorted: {:?}", pair[1].path));
        }
        if !self.withheld.is_sorted() {
            return Err("the streams that it withholds are not sorted".to_owned());
        }
        let reserved = |path: &str| path == MANIFEST || path == MANIFEST_NOTE;
        match self.parts.iter().find(|part| reserved(&part.path) || !is_inside(&part.path)) {
            Some(part) => Err(format!("{:?} cannot be the path of a part", part.path)),
            None => Ok(()),
        }
    }
}

/// Whether a path stays below the bundle on every system.
fn is_inside(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    path.split('/').all(|name| name.bytes().all(plain) && name.bytes().any(|byte| byte != b'.'))
}
