//! Policies: each under its own hash for good, and the name of the active one beside them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use domain::log::Hash;
use domain::policy::Policy;
use domain::route::Router;
use jiff::{SignedDuration, Timestamp};

use super::objects::Objects;
use crate::aws::Aws;
use crate::error::Error;

/// How long the active policy's name is believed: how soon an applied policy rules everywhere.
const FRESH: SignedDuration = SignedDuration::from_secs(10);
/// How many policies are remembered: the active one, and those that open incidents were routed by.
const KEPT: usize = 4;
/// The object that names the active policy.
const ACTIVE: &str = "policies/active";

/// A policy, ready to be asked.
pub struct Active {
    /// The policy.
    pub policy: Policy,
    /// Its name.
    pub hash: Hash,
    router: OnceLock<Router>,
}

impl Active {
    /// Its routes, their conditions compiled once; a function that routes nothing never pays for it.
    pub fn router(&self) -> &Router {
        self.router.get_or_init(|| Router::new(self.policy.clone(), self.hash.clone()))
    }
}

/// The policies of this installation.
pub struct Policies {
    objects: Objects,
    remembered: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    active: Option<(Timestamp, Hash)>,
    policies: HashMap<Hash, Arc<Active>>,
}

impl Policies {
    /// Policies in `bucket`.
    pub fn new(aws: &Aws, bucket: &str) -> Self {
        Self { objects: Objects::new(aws, bucket), remembered: Mutex::default() }
    }

    /// The policy that rules now, or within the last ten seconds. `Misconfigured` when none was ever applied.
    ///
    /// When the bucket cannot be read, the one that ruled last still does: paging does not stop for that.
    pub async fn active(&self, now: Timestamp) -> Result<Arc<Active>, Error> {
        let applied = self.applied(now).await?;
        applied.ok_or_else(|| Error::Misconfigured("no policy was applied yet".to_owned()))
    }

    /// The same; `None` when none was ever applied.
    pub async fn applied(&self, now: Timestamp) -> Result<Option<Arc<Active>>, Error> {
        let known = self.memory().active.clone();
        if let Some((at, hash)) = &known
            && now.duration_since(*at) < FRESH
        {
            return self.by_hash(hash).await.map(Some);
        }
        let hash = match (self.read(ACTIVE).await, known) {
            (Ok(Some(text)), _) => Hash::from(text.trim().to_owned()),
            (Ok(None), _) => return Ok(None),
            (Err(_), Some((_, hash))) => hash,
            (Err(error), None) => return Err(error),
        };
        self.memory().active = Some((now, hash.clone()));
        self.by_hash(&hash).await.map(Some)
    }

    /// The policy named `hash`, whatever rules now.
    pub async fn by_hash(&self, hash: &Hash) -> Result<Arc<Active>, Error> {
        if let Some(policy) = self.memory().policies.get(hash) {
            return Ok(Arc::clone(policy));
        }
        let text = self.read(&format!("policies/{hash}")).await?;
        let text = text.ok_or_else(|| Error::NotFound(format!("policy {hash}")))?;
        if Hash::of(text.as_bytes()) != *hash {
            return Err(Error::Misconfigured(format!("policy {hash} was changed in its bucket")));
        }
        let policy: Policy = serde_json::from_str(&text).map_err(|error| {
            Error::Misconfigured(format!("policy {hash} cannot be read at column {}", error.column()))
        })?;
        let active = Arc::new(Active { policy, hash: hash.clone(), router: OnceLock::new() });
        let mut memory = self.memory();
        if memory.policies.len() >= KEPT {
            memory.policies.clear();
        }
        memory.policies.insert(hash.clone(), Arc::clone(&active));
        Ok(active)
    }

    /// Keeps a policy under its own hash. The same policy twice is one.
    pub async fn put(&self, policy: &Policy) -> Result<Hash, Error> {
        let hash = policy.hash();
        self.write(&format!("policies/{hash}"), policy.compile()).await?;
        Ok(hash)
    }

    /// Names the active policy for everybody who reads.
    pub async fn publish(&self, hash: &Hash) -> Result<(), Error> {
        self.write(ACTIVE, hash.to_string()).await
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.remembered.lock().expect("no holder panics")
    }

    async fn read(&self, key: &str) -> Result<Option<String>, Error> {
        let Some(bytes) = self.objects.get("reading a policy", key).await? else { return Ok(None) };
        let text = String::from_utf8(bytes.to_vec());
        text.map(Some).map_err(|_| Error::Misconfigured(format!("{key} is not text")))
    }

    async fn write(&self, key: &str, text: String) -> Result<(), Error> {
        self.objects.put("keeping a policy", key, text.into()).await
    }
}
