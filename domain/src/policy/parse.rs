//! Reading a policy: YAML to [`Policy`], field by field.

use jiff::Timestamp;

use super::node;
use super::read::{Read, Reader};
use super::validate::check_without;
use super::{Level, Mistake, Policy, lint};

/// Reads a policy file: the policy and its warnings, or every mistake in it, in the order of the file.
pub fn parse(text: &str) -> Result<(Policy, Vec<Mistake>), Vec<Mistake>> {
    read(text, |_| Vec::new())
}

/// The same, and what the policy probably does not mean, as of `now`: nothing of that while it has mistakes.
pub fn inspect(text: &str, now: Timestamp) -> Result<(Policy, Vec<Mistake>), Vec<Mistake>> {
    read(text, |policy| lint(policy, now))
}

fn read(text: &str, more: impl FnOnce(&Policy) -> Vec<Mistake>) -> Result<(Policy, Vec<Mistake>), Vec<Mistake>> {
    let mut reader = Reader::default();
    let root = match node::read(text, &mut reader.mistakes) {
        Ok(root) => root,
        Err(mistake) => {
            reader.mistakes.push(mistake);
            return Err(reader.mistakes);
        }
    };
    let policy = Policy::read(&mut reader, &root, "");
    let usable = |mistakes: &[Mistake]| mistakes.iter().all(|mistake| mistake.level == Level::Warning);
    let mut found = check_without(&policy, &reader.unread());
    found.retain(|mistake| !reader.is_broken(&mistake.path));
    found.retain(|mistake| mistake.level == Level::Error || reader.is_whole(&mistake.path));
    if usable(&found) && usable(&reader.mistakes) {
        found.append(&mut more(&policy));
    }
    let place = |mistake: Mistake| {
        let place = reader.place(&mistake.path);
        mistake.at(place)
    };
    let mut mistakes: Vec<Mistake> = found.into_iter().map(place).collect();
    mistakes.append(&mut reader.mistakes);
    mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    if usable(&mistakes) { Ok((policy, mistakes)) } else { Err(mistakes) }
}

#[cfg(test)]
mod tests;
