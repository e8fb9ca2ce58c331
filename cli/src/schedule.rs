//! Schedules for a person to read: the list, and a picture of one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use watchkeeper::api::{FinalSchedule, ScheduleList, ScheduleSpan, ScheduleSummary};

use crate::args::ScheduleCommand;
use crate::client::{Client, encoded};
use crate::failure::Failure;
use crate::import;
use crate::show::{BLUE, BOLD, DIM, RED, Show, YELLOW, paint, text};

/// How much of a day one character of the picture is.
const CELL: SignedDuration = SignedDuration::from_mins(30);
/// How many of them a day has.
const CELLS: i32 = 48;
/// The hours of a day above its characters.
const HOURS: &str = "                0     3     6     9     12    15    18    21";
/// What stands where nobody is on call.
const NOBODY: char = '!';
/// The colours of people, in turn.
const COLOURS: [AnsiColor; 5] =
    [AnsiColor::Green, AnsiColor::Cyan, AnsiColor::Magenta, AnsiColor::Yellow, AnsiColor::Blue];

/// Lists, draws and imports schedules.
pub fn schedules(
    client: impl FnOnce() -> Result<Client, Failure>,
    command: ScheduleCommand,
    show: Show,
) -> Result<(), Failure> {
    match command {
        ScheduleCommand::List => {
            let list: ScheduleList = client()?.get("/v1/schedules")?;
            show.print(&list, |list| {
                if list.schedules.is_empty() {
                    return "The policy has no schedules: its escalations name people themselves.\n".to_owned();
                }
                list.schedules.iter().map(tell).collect()
            });
        }
        ScheduleCommand::Show { name, from, to } => {
            let query: Vec<String> = [("from", from), ("until", to)]
                .iter()
                .filter_map(|(name, at)| Some(format!("{name}={}", encoded(&(*at)?.to_string()))))
                .collect();
            let mark = if query.is_empty() { "" } else { "?" };
            let path = format!("/v1/schedules/{}{mark}{}", encoded(&name), query.join("&"));
            let shown: FinalSchedule = client()?.get(&path)?;
            let zone = TimeZone::get(&shown.time_zone).map_err(|error| Failure::failed(error.to_string()))?;
            show.print(&shown, |shown| draw(shown, &zone));
        }
        ScheduleCommand::Import(asked) => import::import(&asked, client, show)?,
    }
    Ok(())
}

fn tell(schedule: &ScheduleSummary) -> String {
    let mut told = format!("{} in {}\n", paint(BLUE, &text(&schedule.name)), text(&schedule.time_zone));
    for layer in &schedule.layers {
        let members: Vec<String> = layer.members.iter().map(|member| text(member)).collect();
        let _ = writeln!(told, "  {} {}: {}", paint(BOLD, &text(&layer.name)), text(&layer.shift), members.join(", "));
    }
    told
}

/// A line for each day of the schedule's own clock, who is who, and every gap in words.
fn draw(shown: &FinalSchedule, zone: &TimeZone) -> String {
    let mut told = format!("{} in {}\n", paint(BLUE, &text(&shown.name)), text(&shown.time_zone));
    let _ = writeln!(told, "{}", paint(DIM, HOURS));
    let people = people(&shown.spans);
    let local = |at: Timestamp| zone.to_datetime(at);
    let (mut day, last) = (local(shown.from).date(), local(shown.until - SignedDuration::from_nanos(1)).date());
    while day <= last {
        let mut row = format!("{}  ", day.strftime("%a %Y-%m-%d"));
        for cell in 0..CELLS {
            row.push_str(&cell_of(shown, &people, zone, day, cell));
        }
        row.truncate(row.trim_end().len());
        if let Some(change) = change_of(zone, day) {
            let _ = write!(row, "  {}", paint(YELLOW, &change));
        }
        told.push_str(&row);
        told.push('\n');
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    for (person, (sign, style)) in &people {
        let _ = write!(told, "{} {}  ", paint(*style, &sign.to_string()), text(person));
    }
    let _ = writeln!(told, "{} nobody", paint(RED, &NOBODY.to_string()));
    let show = |at| local(at).strftime("%a %Y-%m-%d %H:%M").to_string();
    for gap in shown.spans.iter().filter(|span| span.turn.is_none()) {
        let _ = writeln!(told, "{} from {} until {}", paint(RED, "Nobody is on call"), show(gap.from), show(gap.until));
    }
    for warning in &shown.warnings {
        let _ = writeln!(told, "{} {}", paint(YELLOW, "warning:"), text(warning));
    }
    told
}

/// Everybody in the picture, with a sign and a colour of their own.
fn people(spans: &[ScheduleSpan]) -> BTreeMap<String, (char, Style)> {
    let mut people: BTreeMap<String, (char, Style)> = BTreeMap::new();
    for turn in spans.iter().filter_map(|span| span.turn.as_ref()) {
        if people.contains_key(&turn.person) {
            continue;
        }
        let own = turn.person.chars().flat_map(|c| c.to_lowercase().chain(c.to_uppercase()));
        let mut signs = own.filter(char::is_ascii_alphanumeric).chain('a'..='z').chain('A'..='Z').chain('0'..='9');
        let free = signs.find(|sign| !people.values().any(|(taken, _)| taken == sign)).unwrap_or('*');
        let style = COLOURS[people.len() % COLOURS.len()].on_default();
        people.insert(turn.person.clone(), (free, style));
    }
    people
}

/// Who is on call in one part of a day: nobody if there is any gap in it, nothing where the clock leaps over it.
fn cell_of(
    shown: &FinalSchedule,
    people: &BTreeMap<String, (char, Style)>,
    zone: &TimeZone,
    day: Date,
    cell: i32,
) -> String {
    let time = day.at(0, 0, 0, 0) + CELL * cell;
    let ambiguous = zone.to_ambiguous_timestamp(time);
    let leapt = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
    let Some(from) = ambiguous.earlier().ok().filter(|_| !leapt) else { return " ".to_owned() };
    let until = from + CELL;
    let first = shown.spans.partition_point(|span| span.until <= from);
    let mut within = shown.spans[first..].iter().take_while(|span| span.from < until).peekable();
    let Some(span) = within.peek().copied() else { return " ".to_owned() };
    if within.any(|span| span.turn.is_none()) {
        return paint(RED, &NOBODY.to_string());
    }
    let turn = span.turn.as_ref().and_then(|turn| people.get(&turn.person));
    turn.map_or_else(|| " ".to_owned(), |(sign, style)| paint(*style, &sign.to_string()))
}

/// What the clock does on `day`, if it changes.
fn change_of(zone: &TimeZone, day: Date) -> Option<String> {
    let at = |day: Date| zone.to_ambiguous_timestamp(day.at(0, 0, 0, 0)).compatible().ok();
    let (from, until) = (at(day)?, at(day.tomorrow().ok()?)?);
    let change =
        zone.following(from - SignedDuration::from_nanos(1)).next().filter(|change| change.timestamp() < until)?;
    let before = zone.to_offset(change.timestamp() - SignedDuration::from_nanos(1));
    let moved = change.offset().seconds() - before.seconds();
    let at = before.to_datetime(change.timestamp()).strftime("%H:%M").to_string();
    let length = SignedDuration::from_secs(i64::from(moved.abs()));
    match moved {
        0 => None,
        1.. => Some(format!("the clock goes forward {length:#} at {at}")),
        _ => Some(format!("the clock goes back {length:#} at {at}")),
    }
}
