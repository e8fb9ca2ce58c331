//! What an alert of Opsgenie says beyond our own fields, as the details of ours.

use std::collections::BTreeMap;

use domain::signal::Alert;
use domain::text;
use serde::{Deserialize, Serialize};

use super::Responder;
use crate::sender::bounds;

/// The most that the custom properties may take, in bytes: the description needs room too.
const PROPERTIES: usize = 8 * 1024;

/// The fields of Opsgenie's alert that ours has no place for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Kept {
    /// The custom properties; those that fit are labels too.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub responders: Vec<Responder>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub visible_to: Vec<Responder>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The last, as it is cut when there is not enough room.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
}

impl Kept {
    /// What the details of `alert` hold; details that cannot be read are taken for a description.
    pub(crate) fn of(alert: &Alert) -> Self {
        if alert.details.is_empty() {
            return Self::default();
        }
        let read = serde_json::from_str(&alert.details);
        read.unwrap_or_else(|_| Self { description: alert.details.clone(), ..Self::default() })
    }

    /// As the details of an alert, never larger than they may be: what is worth least goes first.
    pub(crate) fn text(mut self) -> String {
        let mut bytes = 0;
        self.details.retain(|name, value| {
            bytes += written(name).len() + written(value).len();
            bytes <= PROPERTIES
        });
        loop {
            let over = written(&self).len().saturating_sub(text::DETAILS);
            if over == 0 {
                break;
            }
            if self.visible_to.pop().is_none() && self.actions.pop().is_none() && !self.shorten(over) {
                self.responders.pop();
            }
        }
        let written = written(&self);
        if written == "{}" { String::new() } else { bounds::details(&written) }
    }

    /// Cuts what may be long by at least a part of `over` bytes; false when there is nothing to cut.
    fn shorten(&mut self, over: usize) -> bool {
        let longest = [&mut self.description, &mut self.note].into_iter().find(|text| !text.is_empty());
        let Some(long) = longest else { return false };
        // A character takes up to twelve bytes as JSON: less may be enough than as many characters as there are bytes.
        let left = long.chars().count().saturating_sub(over.div_ceil(12).max(text::CUT.len()));
        *long = if left <= text::CUT.len() { String::new() } else { text::cut(long, left) };
        true
    }
}

fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts are plain JSON")
}
