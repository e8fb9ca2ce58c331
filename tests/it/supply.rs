//! What we depend on: that it is looked at, that it is written down, and that what became known of it is heard of.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::server::{Answer, serve};
use crate::template::files;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// One of the scripts of infra/.
fn script(name: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(Path::new(ROOT).join("infra").join(name)).env("NO_PROXY", "127.0.0.1");
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// An empty folder of this test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn lock() -> String {
    fs::read_to_string(Path::new(ROOT).join("Cargo.lock")).unwrap()
}

/// What cargo knows of each package.
fn metadata() -> Value {
    let arguments = "metadata --locked --format-version 1 --filter-platform x86_64-unknown-linux-gnu";
    let told = Command::new(env!("CARGO")).args(arguments.split(' ')).current_dir(ROOT).output().unwrap();
    serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", said(&told)))
}

/// A package of what cargo knows, by its name.
fn package<'a>(metadata: &'a mut Value, name: &str) -> &'a mut Value {
    metadata["packages"].as_array_mut().unwrap().iter_mut().find(|package| package["name"] == *name).unwrap()
}

#[test]
fn l13_what_does_not_come_from_crates_io_or_under_another_licence_is_refused() {
    type Broken = (&'static str, fn(&mut String, &mut Value), &'static str);
    /// Changes the lines about serde.
    fn serde(lock: &mut String, change: fn(&str) -> String) {
        let (before, rest) = lock.split_once("name = \"serde\"\n").unwrap();
        let (block, after) = rest.split_once("\n\n").unwrap();
        *lock = format!("{before}name = \"serde\"\n{}\n\n{after}", change(block));
    }
    fn without(block: &str, line: &str) -> String {
        block.lines().filter(|known| !known.starts_with(line)).collect::<Vec<_>>().join("\n")
    }
    let broken: &[Broken] = &[
        (
            "a fork",
            |lock, _| {
                serde(lock, |block| block.replace("registry+https://github.com/rust-lang", "git+https://example.com"));
            },
            "comes from git+https://example.com/crates.io-index",
        ),
        (
            "another registry",
            |lock, _| serde(lock, |block| block.replace("rust-lang/crates.io-index", "example/index")),
            "comes from registry+https://github.com/example/index",
        ),
        (
            "a folder beside ours",
            |lock, _| serde(lock, |block| without(&without(block, "source"), "checksum")),
            "comes from a folder outside of the workspace",
        ),
        ("no checksum", |lock, _| serde(lock, |block| without(block, "checksum")), "has no checksum"),
        ("no licence", |_, known| package(known, "serde")["license"] = Value::Null, "its licence is not said"),
        (
            "another licence",
            |_, known| package(known, "serde")["license"] = json!("GPL-3.0-only"),
            "its licence is GPL-3.0-only",
        ),
        (
            "one licence too many",
            |_, known| package(known, "serde")["license"] = json!("(MIT OR Apache-2.0) AND AGPL-3.0-only"),
            "AND AGPL-3.0-only",
        ),
        (
            "an exception that nobody agreed to",
            |_, known| package(known, "serde")["license"] = json!("MIT WITH Fish-exception"),
            "its licence is MIT WITH Fish-exception",
        ),
        (
            "a crate that is not welcome",
            |lock, _| lock.push_str("\n[[package]]\nname = \"openssl-sys\"\nversion = \"0.9.0\"\n"),
            "openssl-sys: TLS is rustls",
        ),
        (
            "a crate that others may use",
            |_, known| package(known, "domain")["dependencies"][0]["name"] = json!("chrono"),
            "chrono: domain uses it",
        ),
        (
            "any version",
            |_, known| package(known, "domain")["dependencies"][0]["req"] = json!("*"),
            "domain takes any version",
        ),
    ];
    let folder = folder("dependencies");
    let (lock, known) = (lock(), metadata());
    let check = |lock: &str, known: &Value| {
        let files = [("Cargo.lock", lock.to_owned()), ("metadata.json", known.to_string())];
        let paths = files.map(|(name, text)| {
            fs::write(folder.join(name), text).unwrap();
            folder.join(name)
        });
        script("dependencies.py").args(paths).output().unwrap()
    };
    let content = check(&lock, &known);
    assert!(content.status.success(), "{}", said(&content));
    for (what, change, finding) in broken {
        let (mut lock, mut known) = (lock.clone(), known.clone());
        change(&mut lock, &mut known);
        let refused = check(&lock, &known);
        assert_eq!(refused.status.code(), Some(1), "{what}: {}", said(&refused));
        let findings: Vec<_> =
            said(&refused).lines().filter(|line| !line.ends_with("not content")).map(str::to_owned).collect();
        assert!(findings.len() <= 2 && findings.iter().any(|line| line.contains(finding)), "{what}: {findings:?}");
    }
    // A choice is as good as its best half, however it is written.
    for licence in ["GPL-2.0-only OR MIT", "GPL-2.0-only/MIT", "(GPL-2.0-only AND ISC) OR (MIT AND ISC)"] {
        let mut known = known.clone();
        package(&mut known, "serde")["license"] = json!(licence);
        let content = check(&lock, &known);
        assert!(content.status.success(), "{licence}: {}", said(&content));
    }
}

#[test]
fn l13_the_bill_of_materials_names_what_is_in_the_functions_and_is_the_same_each_time() {
    let folder = folder("bill");
    let write = || {
        for name in files() {
            fs::create_dir_all(folder.join(&name)).unwrap();
            fs::write(folder.join(&name).join("bootstrap"), &name).unwrap();
        }
        let written = script("sbom.py").arg("x86-64").arg(&folder).output().unwrap();
        assert!(written.status.success(), "{}", said(&written));
        ["sbom.cdx.json", "SHA256SUMS"].map(|name| fs::read_to_string(folder.join(name)).unwrap())
    };
    let [bill, sums] = write();
    assert_eq!([&bill, &sums], write().each_ref(), "nothing in them is random or knows the time");
    assert!(!bill.contains(ROOT), "nor where it was made");

    let bill: Value = serde_json::from_str(&bill).unwrap();
    let components = bill["components"].as_array().unwrap();
    let named: BTreeSet<_> = components.iter().map(|component| component["name"].as_str().unwrap()).collect();
    assert!(named.contains("domain") && named.contains("ring"), "{named:?}");
    assert!(!named.contains("proptest") && !named.contains("clap"), "neither tests nor the command are in a function");
    let lock = lock();
    for component in components.iter().filter(|component| component["name"] != "domain") {
        let checksum = component["hashes"][0]["content"].as_str().unwrap();
        assert!(lock.contains(&format!("checksum = \"{checksum}\"")), "{component}");
        let purl = component["purl"].as_str().unwrap();
        assert!(purl.starts_with(&format!("pkg:cargo/{}@", component["name"].as_str().unwrap())), "{purl}");
        assert!(component["licenses"][0]["expression"].is_string(), "{component}");
    }
    let refs: BTreeSet<_> =
        bill["dependencies"].as_array().unwrap().iter().map(|one| one["ref"].clone().to_string()).collect();
    for one in bill["dependencies"].as_array().unwrap() {
        for on in one["dependsOn"].as_array().unwrap() {
            assert!(refs.contains(&on.to_string()), "{on}");
        }
    }

    let known: Vec<_> = sums.lines().map(|line| line.split_once("  ").unwrap()).collect();
    for name in files() {
        let digest = domain::hex(&Sha256::digest(&name));
        assert!(known.contains(&(&digest, &format!("{name}/bootstrap"))), "{name}");
    }
    assert_eq!(known.len(), files().len() + 1, "and the bill itself");

    fs::remove_file(folder.join("ingest/bootstrap")).unwrap();
    let refused = script("sbom.py").arg("x86-64").arg(&folder).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("has no ingest; make package builds"), "{}", said(&refused));
}

/// Asks about everything that is locked here, of a server that plays both OSV and the index of crates.io.
fn advisories(server: SocketAddr) -> (Option<i32>, String) {
    let url = format!("http://{server}");
    let asked = script("advisories.py").env("OSV_URL", &url).env("CRATES_INDEX_URL", &url).output().unwrap();
    (asked.status.code(), said(&asked))
}

/// The index's answer about a crate: its versions of the lock, none of them taken back but those of `yanked`.
fn index(lock: &str, path: &str, yanked: &str) -> Answer {
    let name = path.rsplit('/').next().unwrap();
    let before = format!("name = \"{name}\"\nversion = \"");
    let versions = lock.split(&before).skip(1).map(|rest| rest.split('"').next().unwrap());
    let lines = versions.map(|version| json!({ "name": name, "vers": version, "yanked": name == yanked }).to_string());
    Answer::new(200, lines.collect::<Vec<_>>().join("\n"))
}

#[test]
fn l13_what_became_known_of_a_dependency_is_told_and_one_advisory_once() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (kept, lock) = (Arc::clone(&asked), lock());
    let server = serve(move |request| {
        let Some(advisory) = request.path.strip_prefix("/v1/vulns/") else {
            if request.path != "/v1/querybatch" {
                return Some(index(&lock, &request.path, "ring"));
            }
            let batch: Value = serde_json::from_slice(&request.body).unwrap();
            let results = batch["queries"].as_array().unwrap().iter().map(|query| {
                kept.lock().unwrap().push(query.clone());
                match (query["package"]["name"].as_str().unwrap(), query["page_token"].as_str()) {
                    // Known under two names, and on two pages.
                    ("hyper", None) => json!({ "vulns": [{ "id": "GHSA-1" }], "next_page_token": "more" }),
                    ("hyper", Some(_)) => json!({ "vulns": [{ "id": "RUSTSEC-1" }] }),
                    ("jinja2", _) => json!({ "vulns": [{ "id": "PYSEC-1" }, { "id": "PYSEC-2" }] }),
                    _ => json!({}),
                }
            });
            return Some(Answer::new(200, json!({ "results": results.collect::<Vec<_>>() }).to_string()));
        };
        let affected = |name: &str, fixed: &str| json!([{ "package": { "name": name }, "ranges": [{ "events": [{ "introduced": "0" }, { "fixed": fixed }] }] }]);
        let advisory = match advisory {
            "GHSA-1" => json!({ "id": "GHSA-1", "aliases": ["RUSTSEC-1"], "summary": "the same in other words" }),
            "RUSTSEC-1" => {
                json!({ "id": "RUSTSEC-1", "summary": "smuggled requests", "affected": affected("hyper", "9.9.9") })
            }
            "PYSEC-1" => json!({ "id": "PYSEC-1", "summary": "a way out of the sandbox" }),
            _ => json!({ "id": advisory, "withdrawn": "2026-01-01T00:00:00Z" }),
        };
        Some(Answer::new(200, advisory.to_string()))
    });
    let (code, told) = advisories(server);
    assert_eq!(code, Some(1), "{told}");
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0].starts_with("advisories: 3 findings in "), "how it stands comes first: {told}");
    assert_eq!(lines.len(), 4, "{told}");
    assert!(told.contains("RUSTSEC-1  smuggled requests; fixed in 9.9.9"), "{told}");
    assert!(told.contains("PYSEC-1  a way out of the sandbox; fixed in no version yet"), "{told}");
    assert!(lines[3].contains("ring") && lines[3].contains("yanked"), "{told}");

    let asked = asked.lock().unwrap();
    let crates =
        asked.iter().filter(|query| query["package"]["ecosystem"] == "crates.io" && query["page_token"].is_null());
    let of_the_lock = self::lock().matches("\nchecksum = ").count();
    assert_eq!(crates.count(), of_the_lock, "each crate is asked about, with its version");
    assert!(asked.iter().all(|query| query["version"].is_string()));
}

#[test]
fn l13_nothing_known_is_said_so_and_nobody_who_answers_is_not_the_same() {
    let lock = lock();
    let server = serve(move |request| {
        if request.path != "/v1/querybatch" {
            return Some(index(&lock, &request.path, ""));
        }
        let batch: Value = serde_json::from_slice(&request.body).unwrap();
        let results = vec![json!({}); batch["queries"].as_array().unwrap().len()];
        Some(Answer::new(200, json!({ "results": results }).to_string()))
    });
    let (code, told) = advisories(server);
    assert_eq!((code, told.lines().count()), (Some(0), 1), "{told}");
    assert!(told.starts_with("advisories: no findings in "), "{told}");

    let silent: [fn() -> Option<Answer>; 4] = [
        || None,
        || Some(Answer::new(503, "later")),
        || Some(Answer::new(200, "<html>sign in first</html>")),
        || Some(Answer::new(200, r#"{"results": []}"#)),
    ];
    for answer in silent {
        let (code, told) = advisories(serve(move |_| answer()));
        assert_eq!(code, Some(2), "{told}");
        assert!(told.starts_with("advisories: cannot ask http://127.0.0.1"), "{told}");
    }
}
