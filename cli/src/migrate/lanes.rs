//! Lanes: several who are on call at once on one schedule there, as schedules that each have one.
//!
//! A schedule of a policy has one person at an instant. Elsewhere everybody counts whose turn it is, or everybody of
//! the highest level at which it is anybody's. Whoever tells all the lanes at once tells exactly those people.

use domain::policy::{Layer, Shift};
use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::week;

/// A layer, and the level on which it counts: a higher one wins over all lower ones.
#[derive(Debug, Clone)]
pub struct Turns {
    /// The level.
    pub level: u32,
    /// The layer.
    pub layer: Layer,
}

/// The fewest stacks of layers found that together put on call whom `turns` do.
pub fn lanes(mut turns: Vec<Turns>) -> Vec<Vec<Layer>> {
    turns.sort_by_key(|turns| turns.level);
    let levels: Vec<Vec<Vec<Layer>>> = turns
        .chunk_by(|one, other| one.level == other.level)
        .map(|level| apart(level.iter().map(|turns| &turns.layer)))
        .collect();
    let count = levels.iter().map(Vec::len).max().unwrap_or(0);
    let lane = |number: usize| {
        let mut lane: Vec<Layer> = Vec::new();
        for level in &levels {
            let own = &level[number % level.len()];
            // Where the own ones have nobody, the level still wins over those below it.
            let others = level.iter().filter(|group| !std::ptr::eq(*group, own)).flatten();
            let seen = others.filter(|other| !own.iter().any(|own| hides(own, other)));
            lane.extend(seen.chain(own).cloned());
        }
        named_apart(&mut lane);
        lane
    };
    (0..count).map(lane).collect()
}

/// Groups of layers of which at most one has somebody at an instant.
fn apart<'a>(layers: impl Iterator<Item = &'a Layer>) -> Vec<Vec<Layer>> {
    let mut groups: Vec<Vec<Layer>> = Vec::new();
    for layer in layers {
        match groups.iter_mut().find(|group| group.iter().all(|other| !meet(layer, other))) {
            Some(group) => group.push(layer.clone()),
            None => groups.push(vec![layer.clone()]),
        }
    }
    groups
}

/// Whether two layers may have somebody at the same instant.
fn meet(one: &Layer, other: &Layer) -> bool {
    let before = |one: &Layer, other: &Layer| one.end.is_some_and(|end| end <= other.start);
    if one.time_zone != other.time_zone {
        return true;
    }
    let weeks = || week::overlap(&week::stretches(&one.restrict), &week::stretches(&other.restrict));
    !before(one, other) && !before(other, one) && weeks()
}

/// Whether nobody of `below` is ever seen below `own`.
fn hides(own: &Layer, below: &Layer) -> bool {
    own.restrict.is_empty() && own.end.is_none() && own.start <= below.start && own.time_zone == below.time_zone
}

/// Gives each layer a name of its own.
fn named_apart(lane: &mut [Layer]) {
    for number in 0..lane.len() {
        let (before, rest) = lane.split_at_mut(number);
        let Some(layer) = rest.first_mut() else { return };
        let taken = |name: &str| before.iter().any(|other| other.name == name);
        let called = if layer.name.trim().is_empty() { "layer".to_owned() } else { layer.name.clone() };
        let numbered = (2..=u32::MAX).map(|number| format!("{called} {number}"));
        let name = std::iter::once(called.clone()).chain(numbered).find(|name| !taken(name));
        layer.name = name.expect("nothing has so many of a name");
    }
}

/// Turns that are counted from one time and begin at another, of `members` in their order.
///
/// A layer of a policy counts from its start, so it starts with the turn that is on at `start`.
pub fn aligned(
    (counted, start): (DateTime, DateTime),
    shift: Shift,
    mut members: Vec<String>,
    zone: &TimeZone,
) -> (DateTime, Vec<String>) {
    let (passed, length) = match shift {
        Shift::Days(days) => (start.duration_since(counted), SignedDuration::from_hours(24 * i64::from(days))),
        Shift::Every(length) => {
            let instant = |time: DateTime| zone.to_ambiguous_timestamp(time).compatible().unwrap_or_default();
            (instant(start).duration_since(instant(counted)), length)
        }
        Shift::Months(_) => return (counted, members),
    };
    let number = passed.as_secs().checked_div_euclid(length.as_secs()).unwrap_or(0);
    let after = SignedDuration::from_secs(number.saturating_mul(length.as_secs()));
    let begins = match shift {
        Shift::Every(_) => {
            let counted = zone.to_ambiguous_timestamp(counted).compatible().unwrap_or_default();
            counted.checked_add(after).map(|at| zone.to_datetime(at))
        }
        _ => counted.checked_add(after),
    };
    let turn = i64::try_from(members.len()).ok().and_then(|count| number.checked_rem_euclid(count)).unwrap_or(0);
    members.rotate_left(usize::try_from(turn).unwrap_or(0));
    (begins.unwrap_or(start), members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::policy::{Day, Window};

    fn layer(name: &str, days: &[Day]) -> Layer {
        let restrict =
            if days.is_empty() { vec![] } else { vec![Window { days: days.to_vec(), from: None, until: None }] };
        Layer {
            name: name.to_owned(),
            time_zone: None,
            members: vec![name.to_owned()],
            shift: Shift::DAILY,
            start: DateTime::constant(2026, 1, 5, 9, 0, 0, 0),
            end: None,
            restrict,
        }
    }

    fn names(lanes: &[Vec<Layer>]) -> Vec<Vec<&str>> {
        lanes.iter().map(|lane| lane.iter().map(|layer| layer.name.as_str()).collect()).collect()
    }

    #[test]
    fn layers_share_a_lane_as_long_as_one_person_is_on_call() {
        use Day::{Mon, Sat, Sun};
        let turns = |level, layer| Turns { level, layer };
        let table: [(Vec<Turns>, &[&[&str]]); 5] = [
            (vec![], &[]),
            // Days apart on one level.
            (vec![turns(0, layer("a", &[Mon])), turns(0, layer("b", &[Sat, Sun]))], &[&["a", "b"]]),
            // Levels above each other, whatever their order in the export.
            (vec![turns(2, layer("b", &[Sat])), turns(1, layer("a", &[]))], &[&["a", "b"]]),
            // Two at once, always.
            (vec![turns(0, layer("a", &[])), turns(0, layer("b", &[]))], &[&["a"], &["b"]]),
            // Two at once on Saturdays, above one: both lanes have whoever is alone.
            (
                vec![turns(0, layer("a", &[])), turns(1, layer("b", &[Sat])), turns(1, layer("b", &[Sat, Sun]))],
                &[&["a", "b", "b 2"], &["a", "b", "b 2"]],
            ),
        ];
        for (given, expected) in table {
            assert_eq!(names(&lanes(given)), expected);
        }
    }

    #[test]
    fn turns_begin_with_whose_turn_it_is_at_the_start() {
        let zone = TimeZone::get("Europe/Berlin").expect("a zone");
        let at = |text: &str| text.parse::<DateTime>().expect("a time");
        let members = || vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let table = [
            (Shift::WEEKLY, "2026-01-05T09:00", "2026-01-05T09:00", "2026-01-05T09:00", "abc"),
            (Shift::WEEKLY, "2026-01-05T09:00", "2026-04-01T12:00", "2026-03-30T09:00", "abc"),
            (Shift::WEEKLY, "2026-01-05T09:00", "2026-04-06T09:00", "2026-04-06T09:00", "bca"),
            (Shift::DAILY, "2026-01-05T09:00", "2026-01-04T12:00", "2026-01-04T09:00", "cab"),
            // Elapsed time moves on the clock when that does.
            (
                Shift::Every(SignedDuration::from_hours(12)),
                "2026-03-28T09:00",
                "2026-03-29T12:00",
                "2026-03-29T10:00",
                "cab",
            ),
        ];
        for (shift, counted, start, begins, order) in table {
            let (found, members) = aligned((at(counted), at(start)), shift, members(), &zone);
            assert_eq!((found, members.concat().as_str()), (at(begins), order), "{shift} {start}");
        }
    }
}
