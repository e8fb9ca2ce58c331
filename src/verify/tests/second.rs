//! The verifier in Python, written against docs/evidence.md alone, and ours come to the same.

use std::path::Path;
use std::process::Command;

use super::sample::{Chance, Folder, Sample, Signer};

/// The Python of the environment that checks the template: the standard library of most has no Zstandard yet.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.venv/tools/bin/python");

/// Its exit code: 0 for sound, 1 for not sound; and what it said.
fn verified(folder: &Folder, signer: &Signer) -> (Option<i32>, String) {
    let key = folder.path.with_extension("pem");
    std::fs::write(&key, signer.key.pem()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verify_bundle.py");
    let ran = Command::new(PYTHON).arg(script).arg(&folder.path).arg(&key).output().unwrap();
    std::fs::remove_file(key).unwrap();
    (ran.status.code(), String::from_utf8(ran.stdout).unwrap() + &String::from_utf8(ran.stderr).unwrap())
}

#[test]
#[ignore = "needs what make build installs"]
fn k23_a_second_verifier_finds_the_same_bundles_sound_and_the_same_ones_not() {
    let (signer, folder) = (Signer::new(), Folder::new("second"));
    for sample in [Sample::nothing(), Sample::empty_checkpoints()] {
        folder.hold(&sample.files(&signer));
        assert_eq!(verified(&folder, &signer).0, Some(0));
    }
    for seed in 0..16 {
        let chance = &mut Chance(seed);
        let mut sample = Sample::new(chance);
        folder.hold(&sample.files(&signer));
        let (code, said) = verified(&folder, &signer);
        assert_eq!(code, Some(0), "{seed}: {said}");
        let (code, said) = verified(&folder, &Signer::new());
        assert_eq!(code, Some(1), "{seed}: {said}");

        let (name, at) = (chance.below(64), chance.next());
        let mut files = sample.files(&signer);
        let name = files.keys().nth(name % files.len()).unwrap().clone();
        let bytes = files.get_mut(&name).unwrap();
        if !bytes.is_empty() {
            let at = usize::try_from(at).unwrap() % bytes.len();
            bytes[at] ^= 1;
            folder.hold(&files);
            let (code, said) = verified(&folder, &signer);
            assert_eq!(code, Some(1), "{seed}: {name}, {said}");
        }

        let changed =
            if seed % 3 == 0 { sample.change_trail(chance).is_some() } else { sample.change_records(chance).is_some() };
        if changed {
            folder.hold(&sample.files(&signer));
            let (code, said) = verified(&folder, &signer);
            assert_eq!(code, Some(1), "{seed}: {said}");
        }
    }
}
