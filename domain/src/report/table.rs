//! The tables: what auditors open in a spreadsheet. Each has its columns, and a row is written in their order.
//!
//! Every time is RFC 3339 in UTC, so no day of a clock change has a time twice (faults.md, K22); every length of time is in
//! whole seconds.

use serde::{Deserialize, Serialize};

/// Defines the tables: their files, and for each a row with its columns, which are words of the field.
macro_rules! tables {
    ($($(#[$doc:meta])* $table:ident $row:ident $name:literal { $($column:ident,)+ })+) => {
        /// A table of the bundle.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Table {
            $($(#[$doc])* $table,)+
        }

        impl Table {
            /// Every table, in the order in which the report names them.
            pub const ALL: &'static [Self] = &[$(Self::$table,)+];

            /// The name of its file, without its ending.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$table => $name,)+
                }
            }

            /// The names of its columns.
            pub const fn columns(self) -> &'static [&'static str] {
                match self {
                    $(Self::$table => &[$(stringify!($column),)+],)+
                }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Default, PartialEq, Eq)]
            pub struct $row {
                $(#[doc = concat!("The column `", stringify!($column), "`.")] pub $column: String,)+
            }

            impl Cells for $row {
                const TABLE: Table = Table::$table;

                fn cells(&self) -> Vec<&str> {
                    vec![$(&self.$column,)+]
                }
            }
        )+
    };
}

/// A row: its cells in the order of its table's columns.
pub trait Cells {
    /// The table it belongs to.
    const TABLE: Table;

    /// The cells.
    fn cells(&self) -> Vec<&str>;
}

tables! {
    /// Incidents that something happened to, as they stood at the end of the period.
    Incidents IncidentRow "incidents" {
        incident, opened_at, opened_in_period, service, team, severity, reported_severity, title, source, integration,
        key, labels, status, handling, route, policy, occurrences, first_paged_at, acknowledged_at, acknowledged_by,
        resolved_at, resolved_by, seconds_to_page, seconds_to_acknowledge, seconds_to_resolve,
        acknowledge_target_seconds, acknowledge_target_met, resolve_target_seconds, resolve_target_met, steps,
        messages_accepted, messages_failed, silenced_by, group, records, head,
    }
    /// Deployments and other changes that were reported.
    Deployments DeploymentRow "deployments" {
        at, service, title, link, integration, stream, seq,
    }
    /// Changes that were made to a service while an incident of it was open.
    EmergencyChanges EmergencyRow "emergency-changes" {
        at, service, title, link, incident, approval, stream, seq,
    }
    /// Approvals that were asked for, and what came of them.
    Approvals ApprovalRow "approvals" {
        at, subject, asked_by, decided_by, decision, reason, stream, seq,
    }
    /// Who read, answered, exported or changed something by the API, and who was refused.
    Access AccessRow "access" {
        at, actor, proof, action, what, result, stream, seq,
    }
    /// Which policy ruled since when, and who made it rule.
    PolicyChanges PolicyRow "policy-changes" {
        at, by, from, to, cause, stream, seq,
    }
    /// Silences, maintenance, overrides, swaps, absences and calendars, and who set them.
    SilencesAndOverrides PersonalRow "silences-and-overrides" {
        at, by, action, kind, id, subject, from, until, reason, stream, seq,
    }
    /// What did not go as it should: unanswered, undelivered, refused, unowned.
    Exceptions ExceptionRow "exceptions" {
        at, kind, incident, service, subject, what, stream, seq,
    }
    /// What somebody has to look at.
    Findings FindingRow "findings" {
        at, kind, weight, subject, what, advice, stream, seq,
    }
}

impl Table {
    /// Its first line.
    pub fn header(self) -> String {
        line(self.columns())
    }
}

/// `cells` as a line of CSV (RFC 4180).
pub(super) fn line(cells: &[&str]) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let cells = cells.iter().map(|cell| inert(cell));
    writer.write_record(cells.map(std::borrow::Cow::into_owned)).expect("a vector takes every byte");
    String::from_utf8(writer.into_inner().expect("a vector is flushed")).expect("cells are text")
}

/// A cell that no spreadsheet computes: one that would be a formula begins with an apostrophe (OWASP, CSV injection).
fn inert(cell: &str) -> std::borrow::Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}").into() } else { cell.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_from_outside_cannot_become_a_formula_or_another_row() {
        for (cell, written) in [
            ("plain", "plain"),
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("@x", "'@x"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
        ] {
            assert_eq!(line(&["x", cell]), format!("x,{written}\r\n"));
        }
    }

    #[test]
    fn each_table_has_its_own_file_and_no_column_twice() {
        let mut names: Vec<&str> = Table::ALL.iter().map(|table| table.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Table::ALL.len());
        for table in Table::ALL {
            let mut columns = table.columns().to_vec();
            columns.sort_unstable();
            columns.dedup();
            assert_eq!(columns.len(), table.columns().len(), "{table:?}");
        }
    }
}
