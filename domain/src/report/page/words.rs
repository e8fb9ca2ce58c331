//! Times and shares as a person reads them. A number stays on the line of its unit.

use jiff::{Timestamp, tz::TimeZone};

/// A day, such as `16 Nov 2026`.
pub(super) fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %b %Y").to_string()
}

/// A minute, such as `16 Nov 2026 09:30`.
pub(super) fn date_time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %b %Y %H:%M").to_string()
}

/// A length of time in its two largest units.
pub(super) fn duration(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let Some(place) = units.iter().position(|(length, _)| seconds >= *length) else { return "0\u{a0}s".to_owned() };
    let (length, name) = units[place];
    let rest = units.get(place + 1).map(|(smaller, name)| (seconds % length / smaller, name));
    match rest {
        Some((rest, smaller)) if rest > 0 => format!("{}\u{a0}{name} {rest}\u{a0}{smaller}", seconds / length),
        _ => format!("{}\u{a0}{name}", seconds / length),
    }
}

/// Tenths of a percent as a percentage; the tenth only where it says something.
pub(super) fn percent(permille: u64) -> String {
    if permille.is_multiple_of(10) {
        format!("{}\u{a0}%", permille / 10)
    } else {
        format!("{}.{}\u{a0}%", permille / 10, permille % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_told_in_two_units_and_a_share_without_a_needless_tenth() {
        let plain = |text: String| text.replace('\u{a0}', " ");
        let lengths = [0, 59, 60, 200, 3_600, 7_500, 86_400, 90_061].map(|seconds| plain(duration(seconds)));
        assert_eq!(lengths, ["0 s", "59 s", "1 min", "3 min 20 s", "1 h", "2 h 5 min", "1 d", "1 d 1 h"]);
        assert_eq!([0, 963, 1000].map(|share| plain(percent(share))), ["0 %", "96.3 %", "100 %"]);
    }
}
