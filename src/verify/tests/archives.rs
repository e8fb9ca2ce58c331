//! The archive alone says whether every stream is as it was signed.

use domain::evidence::bundle::How;

use super::sample::{Chance, Folder, Sample, Signer};
use super::*;

fn read(folder: &Folder, signer: &Signer) -> Archive {
    archive(&folder.path, &signer.trusted(), &|_, _| {}).unwrap()
}

#[test]
fn every_stream_verifies_from_the_archive_alone_whatever_was_delivered_twice() {
    let (signer, folder) = (Signer::new(), Folder::new("archive"));
    for seed in 0..100 {
        let chance = &mut Chance(seed);
        let sample = Sample::from_the_beginning(chance);
        folder.hold(&sample.archive(&signer, chance, 0));
        let verdict = read(&folder, &signer);
        assert_eq!((verdict.wrong.as_slice(), verdict.sound), (&[][..], true), "{seed}");
        assert_eq!((verdict.records, verdict.waiting), (sample.count(), 0));
    }
}

#[test]
fn records_after_the_last_checkpoint_wait_for_the_next() {
    let (signer, folder, chance) = (Signer::new(), Folder::new("waiting"), &mut Chance(3));
    let sample = Sample::from_the_beginning(chance);
    folder.hold(&sample.archive(&signer, chance, 2));
    let verdict = read(&folder, &signer);
    assert_eq!((verdict.wrong.as_slice(), verdict.waiting), (&[][..], 2));
}

#[test]
fn an_archive_that_somebody_changed_does_not_verify_and_the_record_is_named() {
    let (signer, folder) = (Signer::new(), Folder::new("changed-archive"));
    for seed in 0..300 {
        let chance = &mut Chance(seed);
        let mut sample = Sample::from_the_beginning(chance);
        let before = sample.archive(&signer, chance, 0);
        let Some(change) = sample.change_records(chance) else { continue };
        // An archive has no order of its own, and holds what was delivered twice.
        if ["repeated", "reordered"].contains(&change.how) {
            continue;
        }
        let mut files = sample.archive(&signer, &mut Chance(seed), 0);
        let checkpoints = before.into_iter().filter(|(name, _)| name.starts_with("checkpoints/"));
        files.extend(checkpoints);
        folder.hold(&files);
        let verdict = read(&folder, &signer);
        if verdict.sound {
            // What is put behind the last record that was signed waits for the next checkpoint.
            assert_eq!((change.how, verdict.waiting), ("inserted", 1), "{seed}: {change:?}");
            continue;
        }
        let wrong = &verdict.wrong[0];
        let named =
            wrong.place.stream.is_some() || matches!(wrong.how, How::Malformed { .. } | How::Contradicted { .. });
        assert!(named, "{seed}: {change:?}, and said was {wrong}");
    }
}

#[test]
fn an_archive_without_a_checkpoint_or_by_another_key_proves_nothing() {
    let (signer, folder, chance) = (Signer::new(), Folder::new("no-archive"), &mut Chance(5));
    folder.hold(&BTreeMap::new());
    assert!(!read(&folder, &signer).sound);
    let sample = Sample::from_the_beginning(chance);
    let files = sample.archive(&signer, chance, 0);
    folder.hold(&files);
    assert!(!read(&folder, &Signer::new()).sound);
    for name in files.keys().filter(|name| name.starts_with("checkpoints/")) {
        let mut fewer = files.clone();
        fewer.remove(name);
        folder.hold(&fewer);
        let verdict = read(&folder, &signer);
        // Without the last one, what it covered waits.
        assert!(!verdict.sound || verdict.waiting > 0, "{name}");
    }
}
