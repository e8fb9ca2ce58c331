//! The end of what was written about somebody, as the API has it.

use serde::{Deserialize, Serialize};

/// Why all that was written about somebody is erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// On whose behalf, by the short name in the policy; the holder of the token when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why. It is recorded for good, so it does not name whom it is about.
    pub reason: String,
}

/// That it is erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Erased {
    /// The name of the key that was destroyed, as the records have it that it was for.
    pub key: String,
}
