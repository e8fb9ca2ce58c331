//! The week: times of it at which something counts, as the windows of a layer.

use domain::policy::{Day, Window};
use jiff::civil::{DateTime, Time};

/// The seconds of a day.
pub const DAY: u32 = 86_400;
/// The seconds of a week.
pub const WEEK: u32 = 7 * DAY;

/// The days in their order, Monday first.
pub const DAYS: [Day; 7] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];

/// A stretch of the week: when it begins, in seconds from Monday's midnight, and how long it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stretch {
    /// When it begins, less than a week from Monday's midnight.
    pub from: u32,
    /// How long it lasts, a week at most.
    pub length: u32,
}

/// The windows of a layer that are open during `stretches`; empty when that is always. `None` when it is never.
pub fn windows(stretches: &[Stretch]) -> Option<Vec<Window>> {
    let joined = join(stretches);
    if joined.is_empty() {
        return None;
    }
    if joined == [Stretch { from: 0, length: WEEK }] {
        return Some(Vec::new());
    }
    let mut windows: Vec<(Option<Time>, Option<Time>, Vec<usize>)> = Vec::new();
    for (from, length) in joined.iter().flat_map(|stretch| split(*stretch)) {
        let (day, begins) = ((from / DAY) as usize, from % DAY);
        let time = |second: u32| Some(second % DAY).filter(|second| *second > 0).map(clock);
        let (from, until) = (time(begins), time(begins + length));
        match windows.iter_mut().find(|(f, u, _)| (*f, *u) == (from, until)) {
            Some((.., days)) => days.push(day),
            None => windows.push((from, until, vec![day])),
        }
    }
    let window = |(from, until, mut days): (_, _, Vec<usize>)| {
        days.sort_unstable();
        let days = if days.len() == DAYS.len() { Vec::new() } else { days.into_iter().map(|day| DAYS[day]).collect() };
        Window { days, from, until }
    };
    Some(windows.into_iter().map(window).collect())
}

/// When `windows` are open; without any that is always.
pub fn stretches(windows: &[Window]) -> Vec<Stretch> {
    if windows.is_empty() {
        return vec![Stretch { from: 0, length: WEEK }];
    }
    let of = |window: &Window| {
        let (from, until) = (second(window.from), second(window.until));
        let length = if until > from { until - from } else { until + DAY - from };
        let days = (0..7u32).filter(|day| window.days.is_empty() || window.days.contains(&DAYS[*day as usize]));
        days.map(|day| Stretch { from: day * DAY + from, length }).collect::<Vec<_>>()
    };
    join(&windows.iter().flat_map(of).collect::<Vec<_>>())
}

/// Whether two have a time in common.
pub fn overlap(one: &[Stretch], other: &[Stretch]) -> bool {
    let both: Vec<Stretch> = one.iter().chain(other).copied().collect();
    let total = |stretches: &[Stretch]| stretches.iter().map(|stretch| u64::from(stretch.length)).sum::<u64>();
    total(&join(&both)) < total(&join(one)) + total(&join(other))
}

/// The same times, without overlaps, in their order; one that goes past Sunday is whole.
fn join(stretches: &[Stretch]) -> Vec<Stretch> {
    let mut pieces: Vec<(u32, u32)> = Vec::new();
    for stretch in stretches.iter().filter(|stretch| stretch.length > 0) {
        let (from, until) = (stretch.from % WEEK, stretch.from % WEEK + stretch.length.min(WEEK));
        pieces.push((from, until.min(WEEK)));
        if until > WEEK {
            pieces.push((0, until - WEEK));
        }
    }
    pieces.sort_unstable();
    let mut joined: Vec<(u32, u32)> = Vec::new();
    for (from, until) in pieces {
        match joined.last_mut() {
            Some((_, end)) if from <= *end => *end = (*end).max(until),
            _ => joined.push((from, until)),
        }
    }
    if let [first, .., last] = joined.as_mut_slice()
        && first.0 == 0
        && last.1 == WEEK
    {
        last.1 += first.1;
        joined.remove(0);
    }
    joined.into_iter().map(|(from, until)| Stretch { from, length: until - from }).collect()
}

/// Pieces of a day at most, as windows are: one that is longer changes at midnight.
fn split(stretch: Stretch) -> Vec<(u32, u32)> {
    if stretch.length <= DAY {
        return vec![(stretch.from, stretch.length)];
    }
    let (mut from, end) = (stretch.from, stretch.from + stretch.length);
    let mut pieces = Vec::new();
    while from < end {
        let until = (from - from % DAY + DAY).min(end);
        pieces.push((from % WEEK, until - from));
        from = until;
    }
    pieces
}

/// The second of the day that a window's end is; midnight when absent.
fn second(time: Option<Time>) -> u32 {
    let time = time.unwrap_or(Time::midnight());
    of_clock(time)
}

/// The second of the day that a clock shows.
pub fn of_clock(time: Time) -> u32 {
    let part = |number: i8| u32::try_from(number).unwrap_or(0);
    part(time.hour()) * 3600 + part(time.minute()) * 60 + part(time.second())
}

/// What a clock shows at a second of the day.
fn clock(second: u32) -> Time {
    let part = |number: u32| i8::try_from(number).unwrap_or(0);
    Time::constant(part(second / 3600 % 24), part(second / 60 % 60), part(second % 60), 0)
}

/// The second of the week, from Monday's midnight, at which a wall clock shows `time`.
pub fn of_week(time: DateTime) -> u32 {
    let day = u32::try_from(time.date().weekday().to_monday_zero_offset()).unwrap_or(0);
    day * DAY + of_clock(time.time())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: u32 = 3600;

    #[test]
    fn stretches_of_the_week_are_the_fewest_windows_that_say_the_same() {
        let at = |day: u32, hour: u32, hours: u32| Stretch { from: day * DAY + hour * HOUR, length: hours * HOUR };
        let workdays: Vec<Stretch> = (0..5).map(|day| at(day, 9, 8)).collect();
        let nights: Vec<Stretch> = (0..7).map(|day| at(day, 22, 8)).collect();
        let table: [(&[Stretch], Option<&str>); 7] = [
            (&workdays, Some(r#"[{"days":["mon","tue","wed","thu","fri"],"from":"09:00:00","until":"17:00:00"}]"#)),
            (&nights, Some(r#"[{"from":"22:00:00","until":"06:00:00"}]"#)),
            // From Friday evening to Monday morning.
            (
                &[at(4, 18, 62)],
                Some(
                    r#"[{"days":["fri"],"from":"18:00:00"},{"days":["sat","sun"]},{"days":["mon"],"until":"08:00:00"}]"#,
                ),
            ),
            (&[at(0, 0, 168)], Some("[]")),
            (&[at(3, 12, 168)], Some("[]")),
            (&[at(6, 12, 24)], Some(r#"[{"days":["sun"],"from":"12:00:00","until":"12:00:00"}]"#)),
            (&[], None),
        ];
        for (given, expected) in table {
            let found = windows(given).map(|windows| serde_json::to_string(&windows).expect("plain"));
            assert_eq!(found.as_deref(), expected, "{given:?}");
        }
    }

    proptest! {
        #[test]
        fn windows_are_open_exactly_during_their_stretches(
            given in prop::collection::vec((0..WEEK, 1..=WEEK), 1..6),
            instant in 0..WEEK,
        ) {
            let given: Vec<Stretch> = given.into_iter().map(|(from, length)| Stretch { from, length }).collect();
            let open = |stretches: &[Stretch]| stretches.iter().any(|one| (instant + WEEK - one.from) % WEEK < one.length);
            let windows = windows(&given).expect("some");
            prop_assert_eq!(open(&given), open(&stretches(&windows)), "{:?}", windows);
        }
    }
}
