//! Evidence: the locked bucket, in which nothing is ever changed: the archive, checkpoints, public keys and exports.

use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use domain::evidence::checkpoint::Kept;
use domain::evidence::note::PublicKey;

use super::objects::{Objects, Upload, Written};
use crate::aws::Aws;
use crate::error::Error;

/// How long one request may take: an object may have some megabytes.
const PATIENCE: Duration = Duration::from_secs(20);
/// How hard is compressed: the default of zstd, where a little more time would save next to nothing.
const LEVEL: i32 = 3;
/// How many names S3 lists at once.
const LISTED: usize = 1000;
/// What the names of checkpoints begin with.
const CHECKPOINTS: &str = "checkpoints/";
/// What the names of public keys begin with.
const KEYS: &str = "keys/";

/// The locked bucket.
#[derive(Debug, Clone)]
pub struct Evidence {
    objects: Objects,
    locked: Arc<AtomicBool>,
}

impl Evidence {
    /// The evidence in `bucket`.
    pub fn new(aws: &Aws, bucket: &str) -> Self {
        Self { objects: Objects::new(aws, bucket).within(PATIENCE), locked: Arc::default() }
    }

    /// Makes sure, once, that the bucket locks what is put into it. `Misconfigured` when it does not: what anybody may
    /// delete proves nothing.
    pub async fn check_lock(&self) -> Result<(), Error> {
        if self.locked.load(Ordering::Relaxed) {
            return Ok(());
        }
        let lock = self.objects.lock("asking how evidence is locked").await?.unwrap_or_default();
        if !(lock.contains(">Enabled<") && lock.contains("<Mode>")) {
            let what = "the bucket of evidence has no Object Lock with a retention of its own";
            return Err(Error::Misconfigured(what.to_owned()));
        }
        self.locked.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The object named `key`, or none.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        self.objects.get("reading evidence", key).await
    }

    /// A link to the object named `key`, which works without credentials for a few minutes.
    pub fn link(&self, key: &str) -> Result<String, Error> {
        self.objects.link(key)
    }

    /// Writes the object named `key` unless there is one. `Taken` says nothing of whose it is: compare.
    pub async fn put_new(&self, key: &str, body: &Bytes) -> Result<Written, Error> {
        self.objects.put_new("keeping evidence", key, body).await
    }

    /// The same where it must come to the same: `Conflict` when something else is there.
    pub async fn put_same(&self, key: &str, body: &Bytes) -> Result<(), Error> {
        if self.put_new(key, body).await? == Written::Taken && self.get(key).await?.as_ref() != Some(body) {
            return Err(Error::Conflict);
        }
        Ok(())
    }

    /// The names of all objects that begin with `prefix`, from the first after `after`, in order.
    pub async fn list(&self, prefix: &str, after: &str) -> Result<Vec<String>, Error> {
        let mut names: Vec<String> = Vec::new();
        loop {
            let from = names.last().map_or(after, String::as_str).to_owned();
            let page = self.objects.list("listing evidence", prefix, &from).await?;
            let last = page.len() < LISTED;
            names.extend(page);
            if last {
                return Ok(names);
            }
        }
    }

    /// Begins to write the object named `key` in parts.
    pub async fn begin(&self, key: &str) -> Result<Upload, Error> {
        self.objects.begin("beginning evidence in parts", key).await
    }

    /// Writes the next part: 5 MB at least, but for the last one.
    pub async fn part(&self, upload: &mut Upload, body: &Bytes) -> Result<(), Error> {
        self.objects.part("keeping a part of evidence", upload, body).await
    }

    /// Puts the parts together, unless there is such an object.
    pub async fn complete(&self, upload: &Upload) -> Result<Written, Error> {
        self.objects.complete("putting parts of evidence together", upload).await
    }

    /// Gives the parts up.
    pub async fn abort(&self, upload: &Upload) -> Result<(), Error> {
        self.objects.abort("giving parts of evidence up", upload).await
    }

    /// Checkpoint `number`, or none.
    pub async fn checkpoint(&self, number: u64) -> Result<Option<Kept>, Error> {
        let Some(packed) = self.get(&checkpoint(number)).await? else { return Ok(None) };
        let read = zstd::stream::read::Decoder::new(&packed[..]).ok();
        let kept = read.and_then(|text| serde_json::from_reader(BufReader::new(text)).ok());
        kept.map(Some).ok_or_else(|| Error::Misconfigured(format!("checkpoint {number} cannot be read")))
    }

    /// The number of the newest checkpoint, given one that is known to be there, or 0.
    pub async fn newest(&self, known: u64) -> Result<u64, Error> {
        let after = if known == 0 { String::new() } else { checkpoint(known) };
        let last = self.list(CHECKPOINTS, &after).await?.pop();
        Ok(last.and_then(|name| number(&name)).unwrap_or(known))
    }

    /// Keeps checkpoint `number`, unless there is one: this is what makes it one.
    pub async fn keep_checkpoint(&self, number: u64, kept: &Kept) -> Result<Written, Error> {
        let mut packed = packer();
        serde_json::to_writer(&mut packed, kept).expect("a checkpoint is plain JSON");
        self.put_new(&checkpoint(number), &finish(packed)).await
    }

    /// The public keys that signed checkpoints and exports.
    pub async fn keys(&self) -> Result<Vec<PublicKey>, Error> {
        let mut keys = Vec::new();
        for name in self.list(KEYS, "").await? {
            let pem = self.get(&name).await?.unwrap_or_default();
            keys.extend(std::str::from_utf8(&pem).ok().and_then(PublicKey::from_pem));
        }
        Ok(keys)
    }

    /// Keeps a public key under its own id. The same key twice is one.
    pub async fn keep_key(&self, key: &PublicKey) -> Result<(), Error> {
        self.put_same(&format!("{KEYS}{}.pem", key.name()), &Bytes::from(key.pem())).await
    }

    /// Keeps the bodies of some records, a line each, under `name` in the archive. The same twice is one; `Conflict`
    /// when other records are there.
    pub async fn archive(&self, name: &str, bodies: &[&str]) -> Result<(), Error> {
        let mut packed = packer();
        for body in bodies {
            packed.write_all(body.as_bytes()).and_then(|()| packed.write_all(b"\n")).expect("memory takes everything");
        }
        if self.put_new(name, &finish(packed)).await? == Written::New {
            return Ok(());
        }
        // What another version of zstd packed has other bytes, and yet says the same.
        let there = self.archived(name).await?;
        if there.is_some_and(|there| there == bodies) { Ok(()) } else { Err(Error::Conflict) }
    }

    /// The bodies of the records in an object of the archive; `None` when it is not there or cannot be read.
    pub async fn archived(&self, name: &str) -> Result<Option<Vec<String>>, Error> {
        let Some(packed) = self.get(name).await? else { return Ok(None) };
        let lines = zstd::stream::read::Decoder::new(&packed[..]).map(BufReader::new);
        Ok(lines.and_then(|lines| lines.lines().collect()).ok())
    }
}

/// The name of a checkpoint: padded, so that names sort as numbers do.
pub(crate) fn checkpoint(number: u64) -> String {
    format!("{CHECKPOINTS}{number:010}.json.zst")
}

fn number(name: &str) -> Option<u64> {
    name.strip_prefix(CHECKPOINTS)?.strip_suffix(".json.zst")?.parse().ok()
}

fn packer() -> zstd::stream::write::Encoder<'static, Vec<u8>> {
    zstd::stream::write::Encoder::new(Vec::new(), LEVEL).expect("memory for a compressor")
}

fn finish(packer: zstd::stream::write::Encoder<'static, Vec<u8>>) -> Bytes {
    packer.finish().expect("memory takes everything").into()
}
