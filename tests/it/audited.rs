//! The evidence, on the real template: `make up` first. What it promises is checked as an auditor would: by the command,
//! and by a verifier that was written against the format's description alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cloud::{Cloud, key, wait};
use crate::set_by_people::deploy;

/// The operator's command, as `make up` built it.
const COMMAND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/release/watchkeeper");
/// The Python of the environment that checks the template.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.venv/tools/bin/python");
/// A verifier in another language.
const SECOND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/verify_bundle.py");

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(key(name));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn audit(cloud: &Cloud, arguments: &[&str]) -> Output {
    Command::new(COMMAND).arg("audit").args(arguments).envs(cloud.env()).output().unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Verifies a bundle by the command and by the second verifier.
fn verify(cloud: &Cloud, bundle: &Path) {
    let keys = std::fs::read_dir(bundle.join("keys")).unwrap().map(|file| file.unwrap().path());
    let pem = keys.last().unwrap();
    let (bundle, pem) = (bundle.to_str().unwrap(), pem.to_str().unwrap());
    let first = audit(cloud, &["verify", bundle, "--key", pem]);
    assert_eq!(first.status.code(), Some(0), "{}", told(&first));
    let second = Command::new(PYTHON).args([SECOND, bundle, pem]).output().unwrap();
    assert_eq!(second.status.code(), Some(0), "{}", told(&second));
}

/// Asks for an export of everything until now, twice, and fetches it each time.
fn exported(cloud: &Cloud, from: Timestamp, until: Timestamp) -> [PathBuf; 2] {
    let range = [from.to_string(), until.to_string()];
    ["once", "again"].map(|name| {
        let to = folder(name);
        let fetched = ["export", "--from", &range[0], "--to", &range[1], "--output", to.to_str().unwrap()];
        let fetched = audit(cloud, &fetched);
        assert!(fetched.status.success(), "{}", told(&fetched));
        to
    })
}

#[test]
#[ignore = "needs the local stack: make up"]
fn what_happened_is_exported_while_more_happens_and_two_verifiers_find_it_sound() {
    let cloud = Cloud::new();
    let (key, began) = (key("audited"), Timestamp::now());
    assert_eq!(cloud.pagerduty("trigger", &key).0, 202);
    let id = cloud.until(&key, |incident| incident["handling"] != Value::Null)["id"].as_str().unwrap().to_owned();
    wait("the page", || cloud.pages(&id).first().cloned());
    assert_eq!(cloud.pagerduty("resolve", &key).0, 202);
    cloud.until(&key, |incident| incident["status"] == "resolved");
    let stream = format!("incident#{id}");
    let checkpoint = || assert_eq!(cloud.ask("POST", "/v1/audit/checkpoints", &json!({})).0, 201);
    // The first one publishes the key.
    checkpoint();
    let pem = folder("key").join("key.pem");
    std::fs::write(&pem, cloud.get("/v1/audit/keys")["keys"][0].as_str().unwrap()).unwrap();
    let pem = pem.to_str().unwrap();
    // Until the archive has it, and a checkpoint covers it.
    wait("the checkpoint", || {
        checkpoint();
        let to = folder("proof").join("proof.json");
        let proven = audit(&cloud, &["prove", &stream, "2", "--output", to.to_str().unwrap()]);
        let verified = || audit(&cloud, &["verify", to.to_str().unwrap(), "--key", pem]);
        proven.status.success().then(|| assert!(verified().status.success(), "{}", told(&verified())))
    });

    let [once, again] = exported(&cloud, began, Timestamp::now());
    verify(&cloud, &once);
    let files = |folder: &Path| {
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.retain(|file| file.is_file());
        files.sort();
        files.into_iter().map(|file| (file.file_name().unwrap().to_owned(), std::fs::read(file).unwrap()))
    };
    assert!(files(&once).eq(files(&again)), "the same export has the same bytes");
    let table = std::fs::read_to_string(once.join("incidents.csv")).unwrap();
    assert!(table.contains(&id), "{table}");
    let live = audit(&cloud, &["verify", "--live", "--key", pem]);
    assert_eq!(live.status.code(), Some(0), "{}", told(&live));
}

#[test]
#[ignore = "needs the local stack: make up"]
fn the_schedule_exports_by_itself_and_nobody_can_delete_what_it_wrote() {
    let cloud = Cloud::new();
    assert_eq!(cloud.ask("POST", "/v1/audit/checkpoints", &json!({})).0, 201);
    deploy("WeeklyExport=rate(1 minute)");
    let list = "import boto3,os,sys; s3=boto3.client('s3'); b=sys.argv[1]; \
                print('\\n'.join(o['Key'] for o in s3.list_objects_v2(Bucket=b,Prefix='exports/').get('Contents',[])))";
    let bucket = cloud.env()["EVIDENCE_BUCKET"].clone();
    let python = |program: &str, arguments: &[&str]| {
        Command::new(PYTHON).args(["-c", program]).args(arguments).envs(cloud.env()).output().unwrap()
    };
    let manifest = wait("the export of the schedule", || {
        let listed = python(list, &[&bucket]);
        assert!(listed.status.success(), "{}", told(&listed));
        let listed = String::from_utf8(listed.stdout).unwrap();
        listed.lines().find(|key| key.ends_with("/manifest.json")).map(str::to_owned)
    });
    deploy("LogRetentionDays=30");
    let delete = "import boto3,sys; from botocore.exceptions import ClientError\n\
                  s3=boto3.client('s3'); b,k=sys.argv[1:]\n\
                  for v in s3.list_object_versions(Bucket=b,Prefix=k)['Versions']:\n\
                  \x20try: s3.delete_object(Bucket=b,Key=k,VersionId=v['VersionId']); print('deleted')\n\
                  \x20except ClientError as e: print(e.response['Error']['Code'])";
    let deleted = python(delete, &[&bucket, &manifest]);
    assert_eq!(String::from_utf8(deleted.stdout).unwrap().trim(), "AccessDenied", "{manifest}");
}
