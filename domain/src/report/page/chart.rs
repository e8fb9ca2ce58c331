//! The charts: inline SVG for what has a shape, and plain text for what has to be read.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{ToSpan, tz::TimeZone};
use maud::{Markup, html};

use super::words::{duration, percent};
use crate::report::controls::{counted, grouped};
use crate::report::facts::Day;
use crate::report::{Attainment, Report, Spread};
use crate::text::{cut, visible};

/// The levels as they are stacked, the gravest at the bottom.
const LEVELS: [&str; 5] = ["SEV1", "SEV2", "SEV3", "SEV4", "unset"];
/// Above how many days a bar is a week.
const DAYS: i32 = 62;
/// The upper ends of the columns of a spread, in seconds; what takes longer is in the last one.
const COLUMNS: [u64; 8] = [60, 120, 300, 900, 1_800, 3_600, 14_400, u64::MAX];
/// The height of a chart in its own units.
const HEIGHT: u64 = 100;
/// The longest name in a chart.
const NAME: usize = 48;

/// A level as a small sign.
pub(super) fn badge(level: &str) -> Markup {
    let name = if level == "unset" { "no level" } else { level };
    html! { span.badge.(level.to_lowercase()) { (name) } }
}

/// How many incidents were opened on each day, or in each week of a long period.
pub(super) fn days(report: &Report) -> Markup {
    let bars = bars(report);
    let most = bars.iter().map(|(_, day)| day.opened.values().sum::<u64>()).max().unwrap_or(0).max(1);
    let (Some((first, _)), Some((last, _))) = (bars.first(), bars.last()) else { return html! {} };
    let weekly = bars.get(1).is_some_and(|(second, _)| first.until(*second).is_ok_and(|span| span.get_days() > 1));
    let present = LEVELS.into_iter().filter(|level| bars.iter().any(|(_, day)| day.opened.contains_key(*level)));
    html! {
        figure.days {
            div.scale { span { (grouped(most)) } span { "0" } }
            svg viewBox=(format!("0 0 {} {HEIGHT}", bars.len().max(7) * 10)) preserveAspectRatio="none" role="img"
                aria-label=(format!("Incidents opened from {first} to {last}, at most {most} at once")) {
                @for (place, (date, day)) in bars.iter().enumerate() {
                    g {
                        title { (date) ": " (counted(day.opened.values().sum(), "incident", "incidents")) @if day.changes > 0 { ", " (counted(day.changes, "change", "changes")) } }
                        rect.back x=(place * 10) y="0" width="10" height=(HEIGHT) {}
                        @for (level, y, height) in stack(day, most) {
                            rect.(level.to_lowercase()) x=(format!("{}.8", place * 10)) y=(y) width="8.4" height=(height) {}
                        }
                        @if day.changes > 0 { rect.change x=(place * 10 + 3) y="98" width="4" height="2" {} }
                    }
                }
            }
            figcaption {
                span { (first.strftime("%a %-d %b")) }
                span.legend {
                    @for level in present { (badge(level)) " " }
                    @if bars.iter().any(|(_, day)| day.changes > 0) { span.badge.change { "changes" } }
                    @if weekly { " each bar is a week" }
                }
                span { (last.strftime("%a %-d %b")) }
            }
        }
    }
}

/// The bars of the period, those without anything too.
fn bars(report: &Report) -> Vec<(Date, Day)> {
    let date = |at: jiff::Timestamp| at.to_zoned(TimeZone::UTC).date();
    let (first, last) = (date(report.from), date(report.until - jiff::SignedDuration::from_nanos(1)));
    let total = first.until(last).map_or(0, |span| span.get_days()) + 1;
    let step = if total > DAYS { 7 } else { 1 };
    let mut bars = Vec::new();
    let mut start = first;
    while start <= last {
        let Ok(end) = start.checked_add(step.days()) else { break };
        let mut sum = Day::default();
        for day in report.days.range(start..end).map(|(_, day)| day) {
            sum.changes += day.changes;
            for (level, count) in &day.opened {
                *sum.opened.entry(level.clone()).or_default() += count;
            }
        }
        bars.push((start, sum));
        start = end;
    }
    bars
}

/// The pieces of a bar, from the bottom: level, upper edge, height.
fn stack(day: &Day, most: u64) -> Vec<(&'static str, u64, u64)> {
    let of = |opened: &BTreeMap<String, u64>, level: &str| opened.get(level).copied().unwrap_or_default();
    let mut below = 0;
    let mut pieces = Vec::new();
    for level in LEVELS {
        let count = of(&day.opened, level);
        if count > 0 {
            let (bottom, top) = (below * HEIGHT / most, (below + count) * HEIGHT / most);
            pieces.push((level, HEIGHT - top, (top - bottom).max(1)));
            below += count;
        }
    }
    pieces
}

/// The services with the most incidents.
pub(super) fn services(services: &[(String, u64)]) -> Markup {
    let most = services.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    html! {
        ol.services {
            @for (name, count) in services {
                li {
                    span.name { (cut(&visible(name), NAME)) }
                    svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" {
                        rect width=(count * 100 / most) height="1" {}
                    }
                    b { (grouped(*count)) }
                }
            }
        }
    }
}

/// How often a promise was kept, as a ring.
pub(super) fn ring(name: &str, attainment: &Attainment) -> Markup {
    let within = u64::try_from(attainment.target_seconds).map(duration).unwrap_or_default();
    let Some(permille) = attainment.permille else {
        return html! { figure.ring.none { div.empty { "\u{2013}" } figcaption { (name) br; span.soft { "within " (within) } } } };
    };
    let grade = match permille {
        990.. => "good",
        900.. => "fair",
        _ => "poor",
    };
    html! {
        figure.ring {
            svg viewBox="0 0 42 42" role="img" aria-label=(format!("{}: {}", name, percent(permille))) {
                circle.track cx="21" cy="21" r="15.915" {}
                circle.(grade) cx="21" cy="21" r="15.915" pathLength="1000"
                    stroke-dasharray=(format!("{permille} 1000")) transform="rotate(-90 21 21)" {}
                text x="21" y="21" { (percent(permille)) }
            }
            figcaption {
                (name) br;
                span.soft {
                    "within " (within) ", " (grouped(attainment.kept.met)) " of "
                    (grouped(attainment.kept.met + attainment.kept.missed))
                }
            }
        }
    }
}

/// How long it took to acknowledge, in columns; those within the target are good.
pub(super) fn spread(spread: &Spread, target: i64) -> Markup {
    if spread.count() == 0 {
        return html! {};
    }
    let target = u64::try_from(target).unwrap_or_default();
    let mut from = 0;
    let columns: Vec<(u64, u64)> = COLUMNS
        .into_iter()
        .map(|to| {
            // The first column has those that took no time, too.
            let count = spread.between(from, to) + if from == 0 { zero(spread) } else { 0 };
            from = to;
            (to, count)
        })
        .collect();
    let most = columns.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1);
    html! {
        figure.spread {
            div.columns {
                @for (to, count) in columns {
                    div {
                        span.value { @if count > 0 { (grouped(count)) } }
                        svg viewBox=(format!("0 0 1 {HEIGHT}")) preserveAspectRatio="none" aria-hidden="true" {
                            @let height = if count > 0 { (count * HEIGHT / most).max(2) } else { 0 };
                            rect.(if to <= target { "good" } else { "poor" }) y=(HEIGHT - height) width="1" height=(height) {}
                        }
                        span.edge { (edge(to)) }
                    }
                }
            }
            figcaption { "time to acknowledge" }
        }
    }
}

fn zero(spread: &Spread) -> u64 {
    spread.count() - spread.between(0, u64::MAX)
}

fn edge(to: u64) -> String {
    if to == u64::MAX { "more".to_owned() } else { format!("\u{2264} {}", duration(to).replace("min", "m")) }
}
