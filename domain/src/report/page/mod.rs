//! The page: one file that a person opens in a browser or prints, with no script, and nothing loaded from anywhere.
//!
//! It begins with what a reader wants to know first, how it went and what to look at, and ends with how to check it.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::controls::{counted, grouped};
use super::facts::Touched;
use super::summary::permille;
use super::{Control, FindingKind, Report, Table, Weight};
use crate::text::visible;
use words::{date_time, day, duration, percent};

mod chart;
mod words;

/// The only style of the page.
const STYLE: &str = include_str!("style.css");
/// How many findings of a kind are shown; the table has all of them.
const SHOWN: usize = 12;

/// The page of `report`.
pub fn page(report: &Report) -> String {
    let title = format!("Evidence report, {} to {}", day(report.from), day(report.until));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { (head(report)) }
                main {
                    (tiles(report))
                    (happened(report))
                    (responses(report))
                    (findings(report))
                    (recurring(report))
                    (work(&report.touched))
                    (controls(report))
                    (proof(report))
                }
                footer { "Watchkeeper · export " code { (report.id) } " · every time is UTC" }
            }
        }
    }
    .into_string()
}

fn head(report: &Report) -> Markup {
    let count = report.incidents();
    html! {
        p.kicker { "Evidence report" }
        h1 { (day(report.from)) " to " (day(report.until)) }
        p.lead {
            @if count == 0 {
                "No incident was opened in this period. "
            } @else {
                (counted(count, "incident was opened", "incidents were opened"))
                @match permille(report.acknowledged()) {
                    Some(permille) => {
                        ", and " b { (percent(permille)) } " of those that paged somebody were taken on in time. "
                    }
                    None => ", and none of them had to be taken on. ",
                }
            }
            @match report.findings.count() {
                0 => "There is nothing that somebody has to look at.",
                1 => { a href="#findings" { "One finding" } " needs a look." }
                count => { a href="#findings" { (grouped(count)) " findings" } " need a look." }
            }
        }
        p.soft { (visible(&report.origin)) " · " (date_time(report.from)) " until " (date_time(report.until)) " UTC" }
    }
}

fn tiles(report: &Report) -> Markup {
    let responses = report.levels.iter().map(|level| &level.responses);
    let mut taken = super::Spread::default();
    let mut over = super::Spread::default();
    for responses in responses {
        taken.merge(&responses.to_acknowledge);
        over.merge(&responses.to_resolve);
    }
    let or_none = |seconds: Option<u64>| seconds.map_or_else(|| "\u{2013}".to_owned(), duration);
    let tile = |value: String, name: &str| html! { div { dt { (name) } dd { (value) } } };
    html! {
        dl.tiles {
            (tile(grouped(report.incidents()), "incidents"))
            (tile(or_none(taken.percentile(50)), "median time to acknowledge"))
            (tile(or_none(over.percentile(50)), "median time to resolve"))
            (tile(grouped(report.findings.count()), "findings"))
            (tile(grouped(report.records), "records, all of them signed for"))
        }
    }
}

fn happened(report: &Report) -> Markup {
    html! {
        section {
            h2 { "What happened" }
            @if report.incidents() == 0 && report.touched.changes == 0 {
                p.calm { "A quiet time: no incident, and no change that was reported." }
            } @else {
                (chart::days(report))
                @if !report.services.is_empty() {
                    h3 { "Where" }
                    (chart::services(&report.services))
                }
            }
        }
    }
}

fn responses(report: &Report) -> Markup {
    if report.levels.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "How it was answered" }
            p.soft {
                "Times count from the opening of an incident. A promise counts where somebody was paged and its time was up; "
                "one that was over before anybody had to act is left out."
            }
            @for level in &report.levels {
                article.level {
                    h3 { (chart::badge(&level.level)) " " (counted(level.responses.opened, "incident", "incidents")) }
                    div.answers {
                        (chart::ring("taken on in time", &level.acknowledge))
                        (chart::ring("over in time", &level.resolve))
                        (chart::spread(&level.responses.to_acknowledge, level.target.acknowledge.as_secs()))
                    }
                    dl.facts {
                        @for (name, spread) in [
                            ("paged", &level.responses.to_page),
                            ("acknowledged", &level.responses.to_acknowledge),
                            ("resolved", &level.responses.to_resolve),
                        ] {
                            @if let Some((half, most)) = spread.percentile(50).zip(spread.percentile(90)) {
                                dt { (name) }
                                dd { "half within " b { (duration(half)) } ", nine of ten within " b { (duration(most)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn findings(report: &Report) -> Markup {
    html! {
        section id="findings" {
            h2 { "Findings" }
            @if report.findings.count() == 0 {
                p.calm { "None. Everything that is checked is as it should be." }
            } @else {
                p.soft { "All of them are in " (file(Table::Findings)) "." }
            }
            @for (weight, name) in [(Weight::Grave, "grave"), (Weight::Serious, "serious"), (Weight::Minor, "minor")] {
                @for kind in FindingKind::ALL.into_iter().filter(|kind| kind.weight() == weight) {
                    @if report.findings.of(kind) > 0 { (finding(report, kind, name)) }
                }
            }
        }
    }
}

fn finding(report: &Report, kind: FindingKind, weight: &str) -> Markup {
    let count = report.findings.of(kind);
    let first = report.findings.first.get(&kind).map(Vec::as_slice).unwrap_or_default();
    html! {
        details.finding.(weight) open[count <= 3] {
            summary { b { (kind.title()) } span.count { (grouped(count)) } span.weight { (weight) } }
            p { (kind.advice()) }
            ul {
                @for finding in first.iter().take(SHOWN) {
                    li {
                        time { (date_time(finding.at)) } " " (visible(&finding.what))
                        @if let Some(seq) = finding.seq { " " code { (visible(&finding.stream)) " / " (seq) } }
                    }
                }
            }
            @let more = count.saturating_sub(SHOWN as u64);
            @if more > 0 { p.soft { "and " (grouped(more)) " more in " (file(Table::Findings)) } }
        }
    }
}

fn recurring(report: &Report) -> Markup {
    html! {
        section {
            h2 { "What comes again" }
            @if report.recurring.is_empty() {
                p.calm { "No exception came three times." }
            } @else {
                p.soft { "Exceptions that came at least three times; each is in " (file(Table::Exceptions)) "." }
                div.wide { table {
                    thead { tr { th { "what" } th { "where" } th.number { "times" } th { "last" } } }
                    tbody {
                        @for again in &report.recurring {
                            tr {
                                td { (again.kind.replace('_', " ")) }
                                td { (visible(&again.subject)) }
                                td.number { (grouped(again.times.count)) }
                                td { time { (date_time(again.times.last)) } }
                            }
                        }
                    }
                } }
            }
        }
    }
}

/// What people and the installation did besides.
fn work(did: &Touched) -> Markup {
    let lines = [
        (did.policies_applied, "policies applied", Table::PolicyChanges),
        (did.silences, "changes to silences", Table::SilencesAndOverrides),
        (did.covers, "overrides, swaps and absences", Table::SilencesAndOverrides),
        (did.changes, "changes to services reported", Table::Deployments),
        (did.accesses, "requests by the API", Table::Access),
        (did.accesses_refused, "of them refused", Table::Access),
        (did.messages_accepted, "messages that reached their provider", Table::Incidents),
        (did.messages_failed, "attempts that failed", Table::Exceptions),
    ];
    html! {
        section {
            h2 { "What else was done" }
            ul.work {
                @for (count, name, table) in lines {
                    li { b { (grouped(count)) } " " (name) " " span.soft { (file(table)) } }
                }
            }
        }
    }
}

fn controls(report: &Report) -> Markup {
    html! {
        section {
            h2 { "For the auditor" }
            p.soft {
                "What was done to each control, and the file that proves it. Whether a control is met is for the auditor to say."
            }
            @for framework in ["SOC 2", "ISO 27001"] {
                h3 { (framework) }
                div.controls {
                    @for control in report.controls.iter().filter(|control| control.framework == framework) {
                        (evidence(control))
                    }
                }
            }
        }
    }
}

fn evidence(control: &Control) -> Markup {
    html! {
        article {
            h4 { span.id { (control.id) } " " (control.about) }
            ul {
                @for line in &control.evidence {
                    li {
                        (line.what) " " code { (line.file) }
                        @if line.findings > 0 {
                            " " a.against href="#findings" { (counted(line.findings, "finding", "findings")) }
                        }
                    }
                }
            }
        }
    }
}

fn proof(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Do not trust this page" }
            p {
                "It says what the records say, and they can be checked by anybody, offline, with nothing but the files beside it "
                "and the public key: " (counted(report.records, "record", "records")) " in "
                (counted(report.streams, "stream", "streams")) ", each chained to the one before it, and vouched for by "
                (counted(report.checkpoints, "signed checkpoint", "signed checkpoints")) "."
                @if let Some(at) = report.covered_at { " The last of them was made at " time { (date_time(at)) } " UTC." }
                @if report.withheld > 0 {
                    " The records of " (counted(report.withheld, "stream", "streams"))
                    " are left out because of the data they hold; that they exist is proven all the same."
                }
            }
            pre { "watchkeeper audit verify ." }
        }
    }
}

fn file(table: Table) -> Markup {
    html! { code { (table.name()) ".csv" } }
}
