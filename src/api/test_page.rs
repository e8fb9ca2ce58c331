//! A test page, as it is asked for and answered.

use serde::{Deserialize, Serialize};

use super::Delivery;

/// What is to be tested: the body of test-page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TestPage {
    /// Which of their contacts in the policy, from 0; all of them when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<usize>,
}

/// What came of a test page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TestedPage {
    /// The incident that was opened for it: it is recorded, and nobody else is told. Its links answer it.
    pub incident: String,
    /// Each contact that was told.
    pub contacts: Vec<TestedContact>,
}

/// What came of a test page at one contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TestedContact {
    /// The message, and where it stands.
    pub delivery: Delivery,
    /// How long the provider took to answer, in milliseconds.
    pub millis: u64,
}
