use jiff::Timestamp;
use proptest::prelude::*;

use super::super::head::Stretch;
use super::super::tests::{signed, signer};
use super::super::tree::Frontier;
use super::*;
use crate::cause::Cause;
use crate::log::Record;

/// `count` records of `stream` from number `from`, chained.
fn records(stream: &str, from: u64, count: u64) -> Vec<String> {
    let mut prev = Hash::of(stream.as_bytes());
    let seal = |seq| {
        let (at, cause) = (Timestamp::UNIX_EPOCH, Cause::own(format!("c{seq}")));
        let record = Record::<String>::new(stream.to_owned(), seq, prev.clone(), &cause, vec![], at);
        let entry = record.seal();
        prev.clone_from(&entry.hash);
        entry.body
    };
    (from..from + count).map(seal).collect()
}

fn head(stream: &str, from: u64, bodies: &[String]) -> Head {
    let mut stretch = Stretch::new(from);
    for body in bodies {
        stretch.push(&Hash::of(body.as_bytes()));
    }
    stretch.head(stream)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_record_is_proven_alone_and_no_other_in_its_place(
        before in 0_u64..70,
        others in 0_usize..20,
        from in 0_u64..40,
        count in 1_u64..40,
        pick in any::<prop::sample::Index>(),
        flip in any::<prop::sample::Index>(),
    ) {
        let mut tree = Frontier::default();
        (0..before).for_each(|leaf| tree.push(tree::leaf(&leaf.to_be_bytes())));
        let bodies = records("incident#a", from, count);
        let mut heads = vec![head("incident#a", from, &bodies)];
        heads.extend((0..others).map(|other| head(&format!("incident#b{other:02}"), 0, &records("x", 0, 1))));
        let grown = &mut tree.clone();
        let checkpoint = Checkpoint::after(None, "log.test", grown, &heads, Timestamp::UNIX_EPOCH);
        let ours = signer();
        let kept = Kept { note: signed(&checkpoint.text(), &ours), before: tree, heads, archived: vec![] };
        let keys = [ours.1];

        let at = pick.index(bodies.len());
        let seq = from + at as u64;
        let proof = Proof::of(&kept, "incident#a", seq, &bodies).unwrap();
        let depth = |size: u64| 64 - (size - 1).leading_zeros() as usize;
        prop_assert!(proof.path.len() <= depth(count) && proof.tree.len() <= depth(grown.size));
        let read: Proof = serde_json::from_str(&serde_json::to_string(&proof).unwrap()).unwrap();
        let proven = read.verified("p", &keys).unwrap();
        prop_assert_eq!((proven.stream.as_str(), proven.seq, proven.checkpoint), ("incident#a", seq, 1));
        prop_assert_eq!(&proven.fingerprint, &keys[0].fingerprint());
        prop_assert!(proof.verified("p", &[signer().1]).is_err());

        // Any digit or letter of the file that is another one makes it prove nothing.
        let mut file = serde_json::to_string(&proof).unwrap().into_bytes();
        let plain: Vec<usize> = (0..file.len()).filter(|at| file[*at].is_ascii_alphanumeric()).collect();
        let place = plain[flip.index(plain.len())];
        file[place] = if file[place] == b'1' { b'2' } else { b'1' };
        let changed = serde_json::from_slice::<Proof>(&file);
        prop_assert!(changed.is_err() || changed.unwrap().verified("p", &keys).is_err());

        prop_assert_eq!(Proof::of(&kept, "incident#a", from + count, &bodies), None);
        prop_assert_eq!(Proof::of(&kept, "incident#z", seq, &bodies), None);
        let mut other = bodies.clone();
        other[at].push(' ');
        prop_assert_eq!(Proof::of(&kept, "incident#a", seq, &other), None);
    }
}
