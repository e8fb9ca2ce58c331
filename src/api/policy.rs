//! The policy, as the API shows and takes it.

use domain::log::Hash;
use domain::policy::Policy;
use serde::{Deserialize, Serialize};

#[cfg(test)]
use super::words;

/// A policy, such as the one that decides now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ActivePolicy {
    /// Its name: the SHA-256 of its compiled form.
    #[cfg_attr(test, schemars(schema_with = "words::hash"))]
    pub hash: Hash,
    /// Its compiled form.
    #[cfg_attr(test, schemars(schema_with = "words::policy"))]
    pub policy: Policy,
}

/// What came of applying a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct AppliedPolicy {
    /// The policy that decides from now on.
    #[cfg_attr(test, schemars(schema_with = "words::hash"))]
    pub hash: Hash,
    /// The one before it; null for the first.
    #[cfg_attr(test, schemars(schema_with = "words::maybe_hash"))]
    pub previous: Option<Hash>,
    /// Whether that is another than before.
    pub changed: bool,
}
