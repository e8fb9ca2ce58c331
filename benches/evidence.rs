//! Evidence as large as a busy year: a bundle to verify, and a proof among a million streams.

use std::path::Path;
use std::time::Instant;

use domain::cause::Cause;
use domain::evidence::bundle::{self, Before, CHECKPOINTS, FORMAT, Line, Manifest, Part, Selection, Span};
use domain::evidence::checkpoint::{Checkpoint, Kept};
use domain::evidence::head::{Head, Stretch};
use domain::evidence::note::{Note, PublicKey};
use domain::evidence::proof::Proof;
use domain::evidence::tree::{self, Frontier};
use domain::log::{Hash, Record};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use watchkeeper::verify::{self, Trust};

use crate::table::{Row, Table};

const ORIGIN: &str = "watchkeeper/123456789012/eu-central-1/oncall";
/// How many records the bundle has, in streams of so many.
const RECORDS: u64 = 400_000;
const STREAM: u64 = 20;

/// Adds the figures of evidence to the table.
pub fn figures(table: &mut Table) {
    let signer = Signer::new();
    let dir = std::env::temp_dir().join(format!("watchkeeper-bench-{}", std::process::id()));
    let bytes = write(&dir, &signer);
    table.head("audit verify: 400,000 records of about 700 bytes in one part, so on one core");
    let trust = Trust { keys: vec![signer.key.clone()], fingerprints: Vec::new() };
    let rate = || {
        let began = Instant::now();
        let verdict = verify::bundle(&dir, &trust, &|_, _| {}).unwrap();
        assert!(verdict.sound, "{:?}", verdict.wrong);
        RECORDS as f64 / began.elapsed().as_secs_f64()
    };
    let mut rates: Vec<f64> = (0..3).map(|_| rate()).collect();
    rates.sort_by(f64::total_cmp);
    std::fs::remove_dir_all(&dir).unwrap();
    // 250,000 records a second are 4 microseconds for each.
    table.row(Row::budget("log verify: for each record", 1e6 / rates[1], "us", 4.0));
    table.row(Row::plain("    records a second, one core", rates[1], "/s"));
    table.row(Row::plain("    bytes of a record", bytes, "bytes"));
    let proof = proof(&signer);
    table.row(Row::budget("proof of a record among 1,000,000 streams: size", proof, "bytes", 4096.0).regardless());
}

struct Signer {
    pair: EcdsaKeyPair,
    key: PublicKey,
}

impl Signer {
    fn new() -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_ASN1_SIGNING);
        let pair = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pair.as_ref(), &random).unwrap();
        let header =
            b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
        let key = PublicKey::from_der(&[&header[..], pair.public_key().as_ref()].concat()).unwrap();
        Self { pair, key }
    }

    fn sign(&self, text: &str) -> Note {
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        Note::new(text, ORIGIN, &self.key, signature.as_ref())
    }
}

/// The records of a stream, with an event of the size that most have.
fn stream(name: &str) -> (Head, Vec<String>) {
    let (mut prev, mut stretch) = (Hash::zero(), Stretch::new(0));
    let seal = |seq| {
        let (at, cause) = (Timestamp::UNIX_EPOCH, Cause::own(format!("message {name} {seq}")));
        let events = vec![format!("{prev}{prev}{prev}{prev}{prev}{}", Hash::of(&[]))];
        let entry = Record::new(name.to_owned(), seq, prev.clone(), &cause, events, at).seal();
        prev.clone_from(&entry.hash);
        stretch.push(&entry.hash);
        entry.body
    };
    let bodies = (0..STREAM).map(seal).collect();
    (stretch.head(name), bodies)
}

/// Writes the bundle, and says how long a record is.
fn write(dir: &Path, signer: &Signer) -> f64 {
    let (mut heads, mut records) = (Vec::new(), String::new());
    for number in 0..RECORDS / STREAM {
        let (head, bodies) = stream(&format!("incident#{number:020x}-1"));
        heads.push(head);
        for body in &bodies {
            records.extend([body, "\n"]);
        }
    }
    let checkpoint = Checkpoint::after(None, ORIGIN, &mut Frontier::default(), &heads, Timestamp::UNIX_EPOCH);
    let before = serde_json::to_string(&Before::default()).unwrap();
    let line = serde_json::to_string(&Line { number: 1, note: signer.sign(&checkpoint.text()) }).unwrap();
    let leaves: String = heads.iter().map(|head| head.leaf() + "\n").collect();
    let pack = |text: &str| zstd::encode_all(text.as_bytes(), 3).unwrap();
    let files = [
        (CHECKPOINTS.to_owned(), format!("{before}\n{line}\n").into_bytes()),
        (bundle::heads(1), pack(&leaves)),
        (bundle::records(1), pack(&records)),
    ];
    let part = |(path, bytes): &(String, Vec<u8>)| Part {
        path: path.clone(),
        sha256: Hash::of(bytes),
        bytes: bytes.len() as u64,
    };
    let (from, until) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    let selection = Selection { origin: ORIGIN.to_owned(), from, until, classes: Vec::new() };
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        id: selection.id(),
        selection,
        checkpoints: Span::new(0, 1),
        streams: heads.len() as u64,
        records: RECORDS,
        withheld: Vec::new(),
        parts: files.iter().map(part).collect(),
    };
    std::fs::create_dir_all(dir).unwrap();
    let note = signer.sign(&manifest.text()).as_str().as_bytes().to_vec();
    let signed =
        [(bundle::MANIFEST.to_owned(), manifest.file().into_bytes()), (bundle::MANIFEST_NOTE.to_owned(), note)];
    for (path, bytes) in files.iter().chain(&signed) {
        std::fs::write(dir.join(path), bytes).unwrap();
    }
    records.len() as f64 / RECORDS as f64
}

/// How many bytes a proof has beside its record, where a million heads are in the tree.
fn proof(signer: &Signer) -> f64 {
    let mut before = Frontier::default();
    (0..999_999_u64).for_each(|leaf| before.push(tree::leaf(&leaf.to_be_bytes())));
    let (head, bodies) = stream("policy");
    let heads = vec![head];
    let checkpoint = Checkpoint::after(None, ORIGIN, &mut before.clone(), &heads, Timestamp::UNIX_EPOCH);
    let kept = Kept { note: signer.sign(&checkpoint.text()), before, heads, archived: Vec::new() };
    let proof = Proof::of(&kept, "policy", STREAM / 2, &bodies).unwrap();
    (serde_json::to_string(&proof).unwrap().len() - proof.record.len()) as f64
}
