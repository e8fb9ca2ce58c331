//! What is said of evidence: of a bundle, an archive and a proof as version 1 wrote them, which verify for ever, and of the
//! same log as the API serves it.

use std::path::{Path, PathBuf};

use domain::evidence::note::PublicKey;
use serde_json::{Value, json};

use super::server::Server;
use super::{file, transcript};

const ORIGIN: &str = "watchkeeper/123456789012/eu-central-1/oncall";
const STREAMS: [(&str, &str); 4] = [
    ("incident#0123456789abcdef0123-1", "GET /v1/audit/streams/incident%230123456789abcdef0123-1/records?from=0"),
    ("incident#01ffffffffffffffffff-3", "GET /v1/audit/streams/incident%2301ffffffffffffffffff-3/records?from=0"),
    ("incident#payroll-1", "GET /v1/audit/streams/incident%23payroll-1/records?from=0"),
    ("policy", "GET /v1/audit/streams/policy/records?from=0"),
];

fn read(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file(name)).unwrap()).unwrap()
}

/// The log as the API serves it, and with `more` records at the end of the policy.
fn live(bodies: &Value, more: &[String]) -> Vec<(&'static str, u16, Value)> {
    let kept = read("evidence/kept-1.json");
    let line = |number: usize| json!({"number": number, "note": kept[number - 1]["note"]});
    let mut world = vec![
        ("GET /v1/audit/checkpoints?after=0", 200, json!({"checkpoints": [line(1), line(2)], "next": 2})),
        ("GET /v1/audit/checkpoints?after=2", 200, json!({"checkpoints": [line(3)], "next": null})),
        (
            "GET /v1/audit/keys",
            200,
            json!({"origin": ORIGIN, "keys": [std::fs::read_to_string(file("evidence/key-1.pem")).unwrap()]}),
        ),
        ("GET /v1/audit/checkpoints/1", 200, kept[0].clone()),
        ("GET /v1/audit/checkpoints/2", 200, kept[1].clone()),
        ("GET /v1/audit/checkpoints/3", 200, kept[2].clone()),
        ("GET /v1/audit/proof?stream=incident%230123456789abcdef0123-1&seq=1", 200, read("evidence/proof-1.json")),
    ];
    for (stream, request) in STREAMS {
        let entry = |body: &str| json!({"body": body, "hash": domain::log::Hash::of(body.as_bytes())});
        let of_stream = bodies[stream].as_array().unwrap().iter().map(|body| entry(body.as_str().unwrap()));
        let more = more.iter().filter(|_| stream == "policy").map(|body| entry(body));
        let entries: Vec<Value> = of_stream.chain(more).collect();
        world.push((request, 200, json!({"stream": stream, "entries": entries, "next": null})));
    }
    world
}

/// A copy of the bundle that somebody may change.
fn copy(name: &str) -> PathBuf {
    fn copied(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                copied(&entry.path(), &to);
            } else {
                std::fs::copy(entry.path(), to).unwrap();
            }
        }
    }
    let to = std::env::temp_dir().join(format!("watchkeeper-audit-{}-{name}", std::process::id()));
    copied(Path::new(&file("evidence/bundle-1")), &to);
    to
}

#[test]
fn k23_evidence_of_version_1_verifies_for_ever_and_is_told_in_plain_words() {
    let bodies = read("evidence/records-1.json");
    let server = Server::start(live(&bodies, &[]));
    let (bundle, archive, proof) =
        (file("evidence/bundle-1"), file("evidence/archive-1"), file("evidence/proof-1.json"));
    let (key, another) = (file("evidence/key-1.pem"), file("evidence/another-key.pem"));
    let fingerprint = PublicKey::from_pem(&std::fs::read_to_string(&key).unwrap()).unwrap().fingerprint();
    let table: &[(&str, &[&str])] = &[
        ("verify", &["verify", &bundle, "--key", &key]),
        ("verify-fingerprint", &["verify", &bundle, "--fingerprint", fingerprint.as_str()]),
        ("verify-unconfirmed", &["verify", &bundle]),
        ("verify-json", &["verify", &bundle, "--key", &key, "--json"]),
        ("verify-another-key", &["verify", &bundle, "--key", &another]),
        ("verify-nothing", &["verify"]),
        ("verify-nowhere", &["verify", "/nowhere"]),
        ("verify-archive", &["verify", &archive]),
        ("verify-no-key", &["verify", &bundle, "--key", &bundle]),
        ("verify-short-fingerprint", &["verify", &bundle, "--fingerprint", "1234"]),
        ("verify-proof", &["verify", &proof, "--key", &key]),
        ("verify-proof-json", &["verify", &proof, "--key", &key, "--json"]),
        ("verify-proof-another-key", &["verify", &proof, "--key", &another]),
        ("verify-proof-without-a-key", &["verify", &proof]),
        ("verify-proof-of-nothing", &["verify", &key, "--key", &key]),
        ("verify-live", &["verify", "--live", "--key", &key]),
        ("verify-live-json", &["verify", "--live", "--key", &key, "--json"]),
        ("verify-live-another-key", &["verify", "--live", "--key", &another]),
        ("verify-live-unconfirmed", &["verify", "--live"]),
        ("restore", &["restore", &archive, "--key", &key]),
        ("restore-json", &["restore", &archive, "--key", &key, "--json"]),
        ("restore-nothing", &["restore", &bundle, "--key", &key]),
        ("show-bundle", &["show", &bundle]),
        ("show-stream", &["show", "policy"]),
        ("prove", &["prove", STREAMS[0].0, "1"]),
    ];
    for (name, arguments) in table {
        insta::assert_snapshot!(format!("audit-{name}"), transcript(&server, &[&["audit"], *arguments].concat(), &[]));
    }
}

#[test]
fn a_proof_that_was_written_verifies() {
    let server = Server::start(live(&read("evidence/records-1.json"), &[]));
    let path = std::env::temp_dir().join(format!("watchkeeper-proof-{}.json", std::process::id()));
    let output = path.display().to_string();
    let written = transcript(&server, &["audit", "prove", STREAMS[0].0, "1", "--output", &output], &[]);
    assert!(written.contains("proves record 1 of incident#0123456789abcdef0123-1"), "{written}");
    let key = file("evidence/key-1.pem");
    let verified = transcript(&server, &["audit", "verify", &output, "--key", &key], &[]);
    assert!(verified.contains("proven: record 1") && verified.ends_with("--- exit 0\n"), "{verified}");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_bundle_that_somebody_changed_is_named_and_has_an_exit_code_of_its_own() {
    let server = Server::start(Vec::new());
    let key = file("evidence/key-1.pem");
    let changed = |name: &str, change: &dyn Fn(&Path)| {
        let path = copy(name);
        change(&path);
        let told = transcript(&server, &["audit", "verify", &path.display().to_string(), "--key", &key], &[]);
        std::fs::remove_dir_all(&path).unwrap();
        told.replace(&path.display().to_string(), "BUNDLE")
    };
    let flipped = changed("flipped", &|path| {
        let part = path.join("incidents.csv");
        let text = std::fs::read_to_string(&part).unwrap();
        std::fs::write(part, text.replace("Disk full", "Disk fine")).unwrap();
    });
    insta::assert_snapshot!("audit-verify-changed-table", flipped);
    let dropped = changed("dropped", &|path| {
        let part = path.join("records-00001.jsonl.zst");
        std::fs::remove_file(part).unwrap();
        std::fs::write(path.join("records-00003.jsonl.zst"), "").unwrap();
    });
    insta::assert_snapshot!("audit-verify-dropped-part", dropped);
    let forged = changed("forged", &|path| {
        let manifest = path.join("manifest.json");
        let text = std::fs::read_to_string(&manifest).unwrap();
        std::fs::write(manifest, text.replace("\"records\":7", "\"records\":6")).unwrap();
    });
    insta::assert_snapshot!("audit-verify-forged-manifest", forged);
}

#[test]
fn a_live_log_that_somebody_rewrote_is_exposed_by_its_checkpoints() {
    let key = file("evidence/key-1.pem");
    let bodies = read("evidence/records-1.json");
    let arguments = ["audit", "verify", "--live", "--key", &key];
    // One record more than any checkpoint knows waits for the next.
    let last = domain::log::Hash::of(bodies["policy"][1].as_str().unwrap().as_bytes());
    let next = |prev: &domain::log::Hash| format!(r#"{{"events":[],"prev":"{prev}","seq":2,"stream":"policy"}}"#);
    let waiting = transcript(&Server::start(live(&bodies, &[next(&last)])), &arguments, &[]);
    assert!(waiting.contains("1 more follow them and wait") && waiting.ends_with("--- exit 0\n"), "{waiting}");
    let unlinked = transcript(&Server::start(live(&bodies, &[next(&domain::log::Hash::zero())])), &arguments, &[]);
    assert!(unlinked.contains("record 2: the record names another one before it"), "{unlinked}");

    // K07: a stream is rewritten from its first record, and its chain is whole in itself.
    let mut rewritten = bodies.clone();
    let mut prev = domain::log::Hash::zero();
    for body in rewritten["policy"].as_array_mut().unwrap() {
        let mut record: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
        (record["prev"], record["events"][0]["by"]) = (json!(prev), json!("nobody"));
        *body = json!(record.to_string());
        prev = domain::log::Hash::of(body.as_str().unwrap().as_bytes());
    }
    let told = transcript(&Server::start(live(&rewritten, &[])), &arguments, &[]);
    insta::assert_snapshot!("audit-verify-live-rewritten", told);

    let mut truncated = bodies;
    truncated["policy"].as_array_mut().unwrap().pop();
    let told = transcript(&Server::start(live(&truncated, &[])), &arguments, &[]);
    assert!(told.contains("stream policy, record 1, checkpoint 3: the record is missing"), "{told}");
}
