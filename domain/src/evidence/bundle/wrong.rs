//! What can be wrong with evidence, and where.

use std::fmt;

use serde::Serialize;

use crate::evidence::note::Unsigned;

/// The first bad place of a file: where it is, and how it is bad.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Wrong {
    /// Where.
    #[serde(flatten)]
    pub place: Box<Place>,
    /// How.
    #[serde(flatten)]
    pub how: How,
}

/// Where something is wrong, as narrowly as can be said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file, or what takes its place where the log is read from its source.
    pub file: String,
    /// The line of the file, uncompressed, from 1.
    pub line: Option<u64>,
    /// The stream.
    pub stream: Option<String>,
    /// The record of the stream, from 0.
    pub seq: Option<u64>,
    /// The checkpoint that says otherwise.
    pub checkpoint: Option<u64>,
}

/// How something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum How {
    /// A file that the manifest lists is not there.
    #[error("the file is missing")]
    FileMissing,
    /// A file is there that the manifest does not list.
    #[error("the manifest does not list this file: nobody vouches for it")]
    FileUnlisted,
    /// A file has other bytes than the manifest says.
    #[error("the file is not the one that the manifest lists: its SHA-256 or its length differs")]
    FileDiffers,
    /// A compressed file cannot be uncompressed.
    #[error("the file cannot be uncompressed: {why}")]
    Uncompressible {
        /// Why.
        why: String,
    },
    /// A line or file is not what belongs there.
    #[error("it cannot be read: {why}")]
    Malformed {
        /// Why.
        why: String,
    },
    /// A format of another version.
    #[error("its format is {found:?}, which this verifier does not know")]
    Format {
        /// What it says.
        found: String,
    },
    /// The manifest's bytes are not those that were signed.
    #[error("the manifest is not the one that was signed")]
    ManifestDiffers,
    /// The manifest counts otherwise.
    #[error("the manifest says {said} {what}, and there are {found}")]
    Miscounted {
        /// What is counted.
        what: &'static str,
        /// How many the manifest says.
        said: u64,
        /// How many there are.
        found: u64,
    },
    /// No key vouches for it.
    #[error("{why}")]
    Unsigned {
        /// Why.
        why: Unsigned,
    },
    /// A checkpoint of another log.
    #[error("the checkpoint is of another log, {found:?}")]
    OtherOrigin {
        /// Of which.
        found: String,
    },
    /// A checkpoint is missing, twice there, or at another's place.
    #[error("this should be checkpoint {expected}: one was dropped, inserted or reordered")]
    CheckpointMisplaced {
        /// Which belongs there.
        expected: u64,
    },
    /// A checkpoint does not name the one before it.
    #[error("the checkpoint names another one before it")]
    CheckpointUnlinked,
    /// A checkpoint is older than the one before it.
    #[error("the checkpoint is older than the one before it")]
    CheckpointBackdated,
    /// The heads do not grow the tree to the root that was signed.
    #[error("the tree of the heads is not the one that was signed: a head was changed, dropped, inserted or reordered")]
    RootDiffers,
    /// A head is missing at the end.
    #[error("heads are missing: there are {found} of {said}")]
    HeadsMissing {
        /// How many leaves the tree has.
        said: u64,
        /// How many there are.
        found: u64,
    },
    /// A head that no checkpoint covers.
    #[error("no checkpoint covers this head")]
    HeadExtra,
    /// The heads of a checkpoint are not in the order of their streams.
    #[error("the heads of a checkpoint are not in the order of their streams")]
    HeadMisplaced,
    /// A head does not go on where the one before it ended.
    #[error(
        "the head begins at record {from}, and the one before it ended at {expected}: a stretch is missing or twice there"
    )]
    HeadUnlinked {
        /// Where it begins.
        from: u64,
        /// Where it should.
        expected: u64,
    },
    /// A stream's records are not where they belong, or not there.
    #[error("the records of this stream are missing")]
    StreamMissing,
    /// A stream is there that no checkpoint covers, that was withheld, or that stands elsewhere.
    #[error("this stream does not belong here: it is covered by no checkpoint, is withheld, or is out of order")]
    StreamMisplaced,
    /// A record is not there.
    #[error("the record is missing")]
    RecordMissing,
    /// A record is there that no checkpoint covers.
    #[error("no checkpoint covers this record")]
    RecordExtra,
    /// A record stands at another's place.
    #[error("record {expected} belongs here: one was dropped, inserted, repeated or reordered")]
    RecordMisplaced {
        /// Which belongs there.
        expected: u64,
    },
    /// A record's bytes are not those that the next one names.
    #[error("the record was changed: the one after it names another hash")]
    RecordChanged,
    /// A record names another one before it.
    #[error("the record names another one before it")]
    RecordUnlinked,
    /// A chain is whole in itself, and is not the one that was signed.
    #[error(
        "the signed head has another hash: this record was changed, or all from record {from} to here were rewritten"
    )]
    Rewritten {
        /// The first that may be.
        from: u64,
    },
    /// Records do not have the root that was signed, although the last of them has its hash.
    #[error("the records from {from} to here are not those that were signed")]
    RecordsDiffer {
        /// The first that may be.
        from: u64,
    },
    /// Two records are there for one place.
    #[error("{by} has another record for this place")]
    Contradicted {
        /// Where the other one is.
        by: String,
    },
    /// A proof does not prove what it says.
    #[error("the proof does not prove this: {what}")]
    Unproven {
        /// What it does not prove.
        what: &'static str,
    },
}

impl Place {
    /// A file.
    pub fn file(file: &str) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    /// A line of a file, from 1.
    pub fn line(file: &str, line: u64) -> Self {
        Self { line: Some(line), ..Self::file(file) }
    }

    /// The place within its stream.
    #[must_use]
    pub fn of(self, stream: &str, seq: Option<u64>) -> Self {
        Self { stream: Some(stream.to_owned()), seq, ..self }
    }

    /// The place beside the checkpoint that says otherwise.
    #[must_use]
    pub fn by(self, checkpoint: u64) -> Self {
        Self { checkpoint: Some(checkpoint), ..self }
    }

    /// What is wrong here.
    pub fn wrong(self, how: How) -> Wrong {
        Wrong { place: Box::new(self), how }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(out, ", line {line}")?;
        }
        if let Some(stream) = &self.stream {
            write!(out, ", stream {stream}")?;
        }
        if let Some(seq) = self.seq {
            write!(out, ", record {seq}")?;
        }
        if let Some(checkpoint) = self.checkpoint {
            write!(out, ", checkpoint {checkpoint}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.how)
    }
}

impl std::error::Error for Wrong {}
