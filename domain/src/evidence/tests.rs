use ct_merkle::mem_backed_tree::MemoryBackedTree;
use jiff::Timestamp;
use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use sha2::Sha256;

use super::checkpoint::Checkpoint;
use super::head::{Head, Stretch};
use super::note::{Note, PublicKey, Unsigned};
use super::tree::{Frontier, Window, goes_on, includes, leaf};
use crate::log::Hash;

fn grown(leaves: &[String]) -> Frontier {
    let mut frontier = Frontier::default();
    for text in leaves {
        frontier.push(leaf(text.as_bytes()));
    }
    frontier
}

fn leaves(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("leaf {number}")).collect()
}

#[test]
fn the_trees_of_the_certificate_transparency_project_have_their_roots() {
    // The eight inputs and the roots that its reference implementation has tested with since 2012.
    let inputs: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut frontier = Frontier::default();
    assert_eq!(frontier.root().as_str(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (input, root) in inputs.iter().zip(roots) {
        frontier.push(leaf(input));
        assert_eq!(frontier.root().as_str(), root, "{} leaves", frontier.size);
    }
}

proptest! {
    #[test]
    fn a_tree_grown_from_its_frontier_is_the_whole_tree(count in 0_usize..300, cut in 0_usize..300) {
        let leaves = leaves(count);
        let mut tree = MemoryBackedTree::<Sha256, String>::new();
        leaves.iter().cloned().for_each(|leaf| tree.push(leaf));
        let mut frontier = grown(&leaves[..cut.min(count)]);
        let written = serde_json::to_string(&frontier).unwrap();
        frontier = serde_json::from_str(&written).unwrap();
        leaves.iter().skip(cut).for_each(|text| frontier.push(leaf(text.as_bytes())));
        let root: [u8; 32] = (*tree.root().as_bytes()).into();
        prop_assert_eq!(frontier.root(), Hash::from_bytes(&root));
        prop_assert!(frontier.is_whole());
    }

    #[test]
    fn a_proof_from_a_window_proves_what_is_in_it_and_nothing_else(
        before in 0_usize..200,
        added in 1_usize..200,
        pick in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
    ) {
        let leaves = leaves(before + added);
        let old = grown(&leaves[..before]);
        let window = Window {
            before: old.clone(),
            leaves: leaves[before..].iter().map(|text| leaf(text.as_bytes())).collect(),
        };
        let (size, root) = (window.size(), grown(&leaves).root());
        let index = before + pick.index(added);
        let proof = window.inclusion(index as u64).unwrap();
        prop_assert!(proof.len() <= 64 - size.leading_zeros() as usize, "{} hashes of {size} leaves", proof.len());
        prop_assert!(includes(&root, size, index as u64, leaves[index].as_bytes(), &proof));
        prop_assert!(!includes(&root, size, index as u64, b"something else", &proof));
        let elsewhere = other.index(leaves.len());
        prop_assert!(elsewhere == index || !includes(&root, size, elsewhere as u64, leaves[index].as_bytes(), &proof));
        prop_assert_eq!(window.inclusion(size), None);
        prop_assert_eq!(before == 0, window.consistency().is_none());
        let proof = window.consistency().unwrap_or_default();
        prop_assert!(goes_on((&old.root(), before as u64), (&root, size), &proof));
        let mut changed = leaves.clone();
        if before > 0 {
            changed[other.index(before)].push('!');
            prop_assert!(!goes_on((&grown(&changed[..before]).root(), before as u64), (&root, size), &proof));
            prop_assert!(!goes_on((&old.root(), before as u64), (&grown(&changed).root(), size), &proof));
        }
    }
}

/// Somebody who signs.
pub(super) fn signer() -> (EcdsaKeyPair, PublicKey) {
    let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_ASN1_SIGNING);
    let pair = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pair.as_ref(), &random).unwrap();
    let header = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
    let header = (0..header.len()).step_by(2).map(|at| u8::from_str_radix(&header[at..at + 2], 16).unwrap());
    let der: Vec<u8> = header.chain(pair.public_key().as_ref().iter().copied()).collect();
    let key = PublicKey::from_der(&der).unwrap();
    (pair, key)
}

pub(super) fn signed(text: &str, (pair, key): &(EcdsaKeyPair, PublicKey)) -> Note {
    let signature = pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
    Note::new(text, "log.test", key, signature.as_ref())
}

#[test]
fn a_note_is_vouched_for_by_its_own_key_and_no_other() {
    let (ours, theirs) = (signer(), signer());
    let (key, other) = (ours.1.clone(), theirs.1.clone());
    let note = signed("log.test\n3\nroot\n", &ours);
    let both = [other.clone(), key.clone()];
    assert_eq!(note.verified("log.test", &both), Ok(("log.test\n3\nroot\n", &both[1])));
    assert_eq!(note.verified("log.test", &[other]), Err(Unsigned::UnknownKey));
    assert_eq!(note.verified("another.test", &both), Err(Unsigned::UnknownKey));
    let changed = Note::from_file(note.as_str().replacen('3', "4", 1));
    assert_eq!(changed.verified("log.test", &both), Err(Unsigned::Forged));
    for cut in 0..note.as_str().len() {
        let Some(cut) = note.as_str().get(..cut) else { continue };
        assert!(Note::from_file(cut.to_owned()).verified("log.test", &both).is_err(), "{cut}");
    }
    assert_eq!(PublicKey::from_pem(&key.pem()), Some(key));
    assert_eq!(PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), None);
}

fn head(stream: &str, from: u64, hashes: &[&str]) -> Head {
    let mut stretch = Stretch::new(from);
    for text in hashes {
        stretch.push(&Hash::of(text.as_bytes()));
    }
    stretch.head(stream)
}

#[test]
fn checkpoints_name_the_one_before_and_read_back_as_they_are_written() {
    let mut tree = Frontier::default();
    let heads = [head("incident#a", 0, &["1", "2"]), head("policy", 0, &["3"])];
    let first = Checkpoint::after(None, "log.test", &mut tree, &heads, Timestamp::UNIX_EPOCH);
    assert_eq!((first.number, first.size, &first.previous), (1, 2, &Hash::zero()));
    let heads = [head("incident#a", 2, &["4"])];
    let second = Checkpoint::after(Some(&first), "log.test", &mut tree, &heads, Timestamp::UNIX_EPOCH);
    assert_eq!((second.number, second.size, &second.previous), (2, 3, &first.hash()));
    assert_eq!(Checkpoint::parse(&second.text()), Some(second.clone()));
    let text = second.text();
    for other in [text.replace("number 2", "number 02"), text.clone() + "more 1\n", text.replace("previous ", "")] {
        assert_eq!(Checkpoint::parse(&other), None, "{other}");
    }
}

#[test]
fn a_head_says_where_its_records_begin_and_end() {
    let two = head("s", 4, &["a", "b"]);
    assert_eq!((two.from, two.size, &two.head), (4, 6, &Hash::of(b"b")));
    assert_ne!(two.records, head("s", 4, &["b", "a"]).records);
    assert_eq!(
        head("s", 0, &["a"]).leaf(),
        r#"{"from":0,"head":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb","records":"a23bd5b06da9048238a65b3f1d9d0b9e15fae3dde262688e6489aa4c763d1820","size":1,"stream":"s"}"#
    );
}
