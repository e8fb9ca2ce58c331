//! The records of a stream: from the table if they are those that are signed for, and else from the archive.

use std::collections::BTreeMap;

use domain::evidence::agree::Stretched;
use domain::report::{Finding, FindingKind, Reader};
use jiff::Timestamp;

use super::Exporter;
use crate::error::Error;

/// How many records are read from the table at once.
const PAGE: i32 = 500;

/// The records of a stream.
#[derive(Debug)]
pub(super) struct Fetched {
    /// Those before, where the stream is folded from its first record on.
    pub(super) before: Vec<String>,
    /// Those that are exported; none when they are lost.
    pub(super) bodies: Option<Vec<String>>,
    /// What is wrong with them.
    pub(super) finding: Option<Finding>,
}

impl Exporter {
    /// Fetches what `stretched` names; what is wrong is dated `at`.
    pub(super) async fn fetch(&self, stretched: &Stretched, at: Timestamp) -> Result<Fetched, Error> {
        let folded = Reader::is_folded(&stretched.stream);
        let start = if folded { 0 } else { stretched.from };
        let mut before = self.tabled(&stretched.stream, start, stretched.size).await?;
        let place = usize::try_from(stretched.from - start).unwrap_or(usize::MAX).min(before.len());
        let bodies = before.split_off(place);
        if stretched.agrees(&bodies) {
            return Ok(Fetched { before, bodies: Some(bodies), finding: None });
        }
        let archived = self.archived(stretched).await?;
        let sound = stretched.agrees(&archived);
        let same = bodies.iter().zip(&archived).take_while(|(table, archive)| table == archive).count();
        let (kind, what) = if sound {
            let what =
                "the table holds other records than the checkpoint vouches for; the bundle has those of the archive";
            (FindingKind::RewrittenRecord, what)
        } else {
            let what = "neither the table nor the archive holds the records that the checkpoint vouches for";
            (FindingKind::EvidenceGap, what)
        };
        let finding = Finding {
            kind,
            at,
            stream: stretched.stream.clone(),
            seq: Some(stretched.from + same as u64),
            subject: stretched.stream.clone(),
            what: what.to_owned(),
        };
        Ok(Fetched { before, bodies: sound.then_some(archived), finding: Some(finding) })
    }

    /// The records `from..until` of a stream as the table has them, as far as it has them.
    async fn tabled(&self, stream: &str, from: u64, until: u64) -> Result<Vec<String>, Error> {
        let mut bodies = Vec::new();
        let mut next = from;
        while next < until {
            let most = i32::try_from(until - next).unwrap_or(PAGE).min(PAGE);
            let page = self.records.read(stream, next, most).await?;
            if page.is_empty() {
                break;
            }
            next += page.len() as u64;
            bodies.extend(page.into_iter().map(|entry| entry.body));
        }
        Ok(bodies)
    }

    /// The same as the archive has them: in the objects that the stream's checkpoints name.
    async fn archived(&self, stretched: &Stretched) -> Result<Vec<String>, Error> {
        #[derive(serde::Deserialize)]
        struct Frame {
            stream: String,
            seq: u64,
        }
        let mut found = BTreeMap::new();
        for number in &stretched.checkpoints {
            for object in self.kept(*number).await?.archived {
                for body in self.evidence.archived(&object).await?.unwrap_or_default() {
                    let Ok(frame) = serde_json::from_str::<Frame>(&body) else { continue };
                    if frame.stream == stretched.stream && (stretched.from..stretched.size).contains(&frame.seq) {
                        found.entry(frame.seq).or_insert(body);
                    }
                }
            }
        }
        Ok(found.into_values().collect())
    }
}
