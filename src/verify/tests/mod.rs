//! Bundles that are whole verify. Bundles that somebody changed, however cleverly, do not, and the place is named.

use std::collections::BTreeMap;

use domain::evidence::bundle::{How, MANIFEST_NOTE, Wrong};

use super::*;

mod archives;
mod sample;
mod second;

use sample::{Chance, Folder, Sample, Signer};

fn verified(folder: &Folder, trust: &Trust) -> Verdict {
    bundle(&folder.path, trust, &|_, _| {}).unwrap()
}

/// The first bad place of the bundle of these files.
fn first_wrong(folder: &Folder, files: &BTreeMap<String, Vec<u8>>, trust: &Trust) -> Wrong {
    folder.hold(files);
    let mut verdict = verified(folder, trust);
    assert!(!verdict.sound, "it went unseen");
    verdict.wrong.swap_remove(0)
}

#[test]
fn an_untouched_bundle_always_verifies() {
    let signer = Signer::new();
    let folder = Folder::new("untouched");
    for seed in 0..200 {
        let sample = Sample::new(&mut Chance(seed));
        folder.hold(&sample.files(&signer));
        for trust in [signer.trusted(), Trust::default(), signer.named()] {
            let verdict = verified(&folder, &trust);
            assert_eq!(verdict.wrong, [], "{seed}");
            assert!(verdict.sound);
            assert_eq!(verdict.manifest.unwrap().records, sample.count(), "{seed}");
            assert!(verdict.keys.iter().all(|key| key.confirmed == trust.is_given()));
        }
    }
}

#[test]
fn k12_a_bundle_of_nothing_verifies() {
    let signer = Signer::new();
    let folder = Folder::new("nothing");
    for sample in [Sample::nothing(), Sample::empty_checkpoints()] {
        folder.hold(&sample.files(&signer));
        let verdict = verified(&folder, &signer.trusted());
        assert_eq!((verdict.sound, verdict.wrong.as_slice()), (true, &[][..]));
        assert_eq!(verdict.manifest.unwrap().records, 0);
    }
}

/// Somebody changes bytes at random, in whatever file.
#[test]
fn bytes_changed_at_random_are_caught_and_the_file_is_named() {
    let (signer, folder) = (Signer::new(), Folder::new("bytes"));
    for seed in 0..1200 {
        let chance = &mut Chance(seed);
        let mut files = Sample::new(chance).files(&signer);
        let names: Vec<String> = files.keys().cloned().collect();
        let name = chance.pick(&names).clone();
        let bytes = files.get_mut(&name).unwrap();
        let before = bytes.clone();
        let (at, other) = (chance.below(bytes.len()), chance.below(bytes.len()));
        match chance.below(7) {
            0 => bytes[at] ^= 1 << chance.below(8),
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, b'1'),
            3 => bytes.truncate(at),
            4 => bytes.extend(before.iter().skip(at)),
            5 => bytes.swap(at, other),
            _ => bytes.clear(),
        }
        if *bytes == before {
            continue;
        }
        let wrong = first_wrong(&folder, &files, &signer.trusted());
        let of_manifest = name.starts_with("manifest") && wrong.place.file.starts_with("manifest");
        assert!(of_manifest || wrong.place.file == name, "{seed}: {name} was changed, and said was {wrong}");
    }
}

#[test]
fn files_that_are_missing_added_or_exchanged_are_caught_and_named() {
    let (signer, folder) = (Signer::new(), Folder::new("files"));
    for seed in 0..150 {
        let chance = &mut Chance(seed);
        let files = Sample::new(chance).files(&signer);
        let names: Vec<String> = files.keys().cloned().collect();
        let (one, other) = (chance.pick(&names), chance.pick(&names));
        let mut dropped = files.clone();
        dropped.remove(one);
        assert_eq!(first_wrong(&folder, &dropped, &signer.trusted()).place.file, *one, "{seed}");
        let mut added = files.clone();
        added.insert("records-99999.jsonl.zst".to_owned(), files[other].clone());
        let wrong = first_wrong(&folder, &added, &signer.trusted());
        assert_eq!((wrong.place.file.as_str(), wrong.how), ("records-99999.jsonl.zst", How::FileUnlisted));
        let mut exchanged = files.clone();
        exchanged.insert(one.clone(), files[other].clone());
        exchanged.insert(other.clone(), files[one].clone());
        if exchanged != files {
            let named = first_wrong(&folder, &exchanged, &signer.trusted()).place.file;
            assert!(named == *one || named == *other || named == MANIFEST_NOTE, "{seed}: {named}");
        }
    }
}

/// Somebody changes records and signs the manifest anew with the right key: the checkpoints still say otherwise.
#[test]
fn k01_k02_records_changed_under_a_new_manifest_are_caught_and_the_record_is_named() {
    let (signer, folder) = (Signer::new(), Folder::new("records"));
    for seed in 0..1200 {
        let chance = &mut Chance(seed);
        let mut sample = Sample::new(chance);
        let Some(change) = sample.change_records(chance) else { continue };
        let wrong = first_wrong(&folder, &sample.files(&signer), &signer.trusted());
        assert!(change.is_named_by(&wrong), "{seed}: {change:?}, and said was {wrong}");
    }
}

#[test]
fn k06_heads_and_checkpoints_changed_under_a_new_manifest_are_caught_and_named() {
    let (signer, folder) = (Signer::new(), Folder::new("heads"));
    for seed in 0..600 {
        let chance = &mut Chance(seed);
        let mut sample = Sample::new(chance);
        let Some(file) = sample.change_trail(chance) else { continue };
        let wrong = first_wrong(&folder, &sample.files(&signer), &signer.trusted());
        assert!(wrong.place.file.starts_with(file), "{seed}: {file} was changed, and said was {wrong}");
    }
}

/// Somebody rewrites a stream with its chain, its heads and its checkpoints, and has a key of their own.
#[test]
fn k07_a_log_rewritten_throughout_is_only_as_good_as_its_key() {
    let (ours, theirs, folder) = (Signer::new(), Signer::new(), Folder::new("rewritten"));
    for seed in 0..50 {
        let forged = Sample::new(&mut Chance(seed)).files(&theirs);
        folder.hold(&forged);
        for trust in [ours.trusted(), ours.named()] {
            let verdict = verified(&folder, &trust);
            assert!(!verdict.sound && verdict.manifest.is_none());
            assert_eq!(verdict.wrong[0].place.file, MANIFEST_NOTE);
        }
        // Without a key of the reader's own it is whole, and says whose key to compare.
        let verdict = verified(&folder, &Trust::default());
        assert!(verdict.sound && !verdict.keys[0].confirmed && verdict.keys[0].id == theirs.key.name());
    }
}

#[test]
fn a_stream_may_be_withheld_and_nothing_else_may_be_missing() {
    let (signer, folder) = (Signer::new(), Folder::new("withheld"));
    for seed in 0..60 {
        let mut sample = Sample::new(&mut Chance(seed));
        let Some(stream) = sample.withhold() else { continue };
        folder.hold(&sample.files(&signer));
        assert_eq!(verified(&folder, &signer.trusted()).wrong, [], "{seed}");
        sample.withheld.clear();
        let wrong = first_wrong(&folder, &sample.files(&signer), &signer.trusted());
        assert_eq!((wrong.place.stream.as_deref(), wrong.how), (Some(stream.as_str()), How::StreamMissing), "{seed}");
    }
}

#[test]
fn what_is_not_there_or_no_bundle_is_said_so() {
    let folder = Folder::new("absent");
    assert!(bundle(&folder.path.join("none"), &Trust::default(), &|_, _| {}).is_err_and(|error| error.absent));
    let wrong = first_wrong(&folder, &BTreeMap::new(), &Trust::default());
    assert_eq!((wrong.place.file.as_str(), wrong.how), ("manifest.json", How::FileMissing));
}
