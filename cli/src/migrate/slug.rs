//! Names: what a system calls something, as a name of a policy.

/// The longest name of a policy, in bytes.
const LONGEST: usize = 64;

/// `text` in the letters that a policy's names have: `Ops & Co` is `ops-co`.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(LONGEST);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "unnamed".to_owned() } else { slug.to_owned() }
}

/// `wanted`, with a number where somebody has that name already.
pub fn unique(wanted: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = |number: u32| {
        let end = format!("-{number}");
        let kept = &wanted[..wanted.floor_char_boundary(LONGEST - end.len())];
        format!("{kept}{end}")
    };
    let free = std::iter::once(wanted.to_owned()).chain((2..=u32::MAX).map(numbered)).find(|name| !taken(name));
    free.expect("nothing has so many of a name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_what_a_policy_allows_and_is_never_empty() {
        let table = [
            ("Platform", "platform"),
            ("Ops & Co", "ops-co"),
            ("  24/7_on.call  ", "24-7_on.call"),
            ("Größe", "gr-e"),
            ("數據", "unnamed"),
            ("", "unnamed"),
        ];
        for (text, expected) in table {
            assert_eq!(slug(text), expected, "{text}");
        }
        assert_eq!(slug(&"x".repeat(99)).len(), LONGEST);
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number_and_no_more_letters_than_allowed() {
        assert_eq!(unique("ops", |_| false), "ops");
        assert_eq!(unique("ops", |name| ["ops", "ops-2"].contains(&name)), "ops-3");
        let long = "x".repeat(LONGEST);
        assert_eq!(unique(&long, |name| name == long).len(), LONGEST);
    }
}
