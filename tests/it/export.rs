//! Exports by the real binary: what is in them, that they come to the same bytes however they were made, and what breaks them.

use std::collections::{BTreeMap, BTreeSet};

use domain::evidence::bundle::{MANIFEST, MANIFEST_NOTE, Manifest};
use domain::evidence::checkpoint::{Checkpoint, Kept};
use domain::evidence::head::Stretch;
use domain::evidence::note::{Note, PublicKey};
use domain::evidence::tree::Frontier;
use domain::log::{Entry, Hash};
use domain::policy::Policy;
use domain::signal::Action;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::cases::{TOKEN, batch, function, gateway, policy, signal, standin_with};
use crate::kill::{CALLS, FAULTS, break_at};
use crate::phone::Phone;
use crate::runtime::Function;
use crate::standin::{Fault, Key, LOCK, ORIGIN, Standin, World};

/// How long after the end of a range a checkpoint covers all of it.
const SETTLES: SignedDuration = SignedDuration::from_mins(5);

/// A stand-in with a locked bucket, in which `policy` rules.
fn locked(policy: &Policy) -> Standin {
    let standin = standin_with(policy);
    standin.world.lock().unwrap().lock = Some(LOCK);
    standin
}

/// The same with incidents, one for each of `keys`, and a checkpoint that covers them.
fn with_incidents(keys: &[&str]) -> Standin {
    let standin = locked(&policy("127.0.0.1:9"));
    incidents(&standin, keys);
    checkpoint(&standin);
    standin
}

fn incidents(standin: &Standin, keys: &[&str]) {
    let dedup = function(env!("CARGO_BIN_EXE_dedup"), standin, &[]);
    let signals: Vec<_> = keys.iter().map(|key| signal(&format!("s-{key}"), key, Action::Trigger, 1)).collect();
    dedup.invoke(&batch(&signals, 1)).unwrap().unwrap();
}

fn packed(text: &str) -> Vec<u8> {
    zstd::stream::encode_all(text.as_bytes(), 3).unwrap()
}

fn unpacked(bytes: &[u8]) -> String {
    String::from_utf8(zstd::stream::decode_all(bytes).unwrap()).unwrap()
}

/// Covers all there is by one more checkpoint, as the functions `archive` and `checkpoint` would once it has settled.
fn checkpoint(standin: &Standin) {
    let mut world = standin.world.lock().unwrap();
    let mut last: Option<Checkpoint> = None;
    let (mut tree, mut covered) = (Frontier::default(), BTreeMap::new());
    let known = world.objects.iter().filter(|(name, _)| name.starts_with("evidence/checkpoints/"));
    for (_, object) in known {
        let kept: Kept = serde_json::from_str(&unpacked(object)).unwrap();
        last = kept.note.text().and_then(Checkpoint::parse);
        for head in kept.heads {
            tree.push(head.node());
            covered.insert(head.stream, head.size);
        }
    }
    let number = last.as_ref().map_or(1, |last| last.number + 1);
    let streams: BTreeSet<String> =
        world.tables.get("records").into_iter().flatten().map(|((stream, _), _)| stream.clone()).collect();
    let (mut heads, mut bodies) = (Vec::new(), String::new());
    for stream in streams {
        let from = covered.get(&stream).copied().unwrap_or_default();
        let entries = world.stream(&stream);
        let mut stretch = Stretch::new(from);
        for entry in entries.iter().skip(usize::try_from(from).unwrap()) {
            stretch.push(&entry.hash);
            bodies.extend([entry.body.as_str(), "\n"]);
        }
        if stretch.next() > from {
            heads.push(stretch.head(&stream));
        }
    }
    let before = tree.clone();
    let said = Checkpoint::after(last.as_ref(), ORIGIN, &mut tree, &heads, Timestamp::now() + SETTLES);
    let key = world.key.get_or_insert_with(Key::new);
    let note = Note::new(&said.text(), ORIGIN, &key.public(), &key.sign(said.text().as_bytes()));
    let (name, pem) = (key.public().name(), key.public().pem());
    let archived = vec![format!("archive/2026/11/21/00/{number}.jsonl.zst")];
    world.objects.insert(format!("evidence/{}", archived[0]), packed(&bodies));
    world.objects.insert(format!("evidence/keys/{name}.pem"), pem.into_bytes());
    let kept = serde_json::to_string(&Kept { note, before, heads, archived }).unwrap();
    world.objects.insert(format!("evidence/checkpoints/{number:010}.json.zst"), packed(&kept));
}

fn exporter(standin: &Standin) -> Function {
    function(env!("CARGO_BIN_EXE_export"), standin, &[("WEBHOOK_ALLOW", "127.0.0.1:9".to_owned())])
}

/// What is asked of the machine: everything of the last hour, as long as the last checkpoint covers it.
fn asked(standin: &Standin, classes: &[&str]) -> Value {
    let world = standin.world.lock().unwrap();
    let newest = world.objects.iter().rfind(|(name, _)| name.starts_with("evidence/checkpoints/"));
    let kept: Option<Kept> = newest.map(|(_, object)| serde_json::from_str(&unpacked(object)).unwrap());
    let until = kept
        .and_then(|kept| Checkpoint::parse(kept.note.text()?))
        .map_or_else(Timestamp::now, |said| said.at - SETTLES);
    json!({ "from": until - SignedDuration::from_hours(1), "until": until, "classes": classes })
}

/// The events of the machine's steps for this request, the parts apart.
fn plan(asked: &Value) -> Value {
    json!({ "step": "plan", "asked": asked, "anyway": true })
}

/// Exports as the machine does, each step `times` times; what the last step answered.
fn export(standin: &Standin, asked: &Value, times: usize) -> Value {
    let exporter = exporter(standin);
    let step = |event: Value| {
        let answers: Vec<Value> = (0..times).map(|_| exporter.invoke(&event).unwrap().unwrap()).collect();
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "the same answer: {answers:?}");
        answers[0].clone()
    };
    let planned = step(plan(asked));
    assert_eq!(planned["covered"], true);
    for part in 1..=planned["parts"].as_u64().unwrap() {
        step(json!({ "step": "part", "export": planned["export"], "part": part }));
    }
    step(json!({ "step": "finish", "export": planned["export"] }))
}

/// The files of the only bundle, by path.
fn bundle(world: &World) -> BTreeMap<String, Vec<u8>> {
    let files = world.objects.iter().filter_map(|(name, bytes)| {
        let (_, path) = name.strip_prefix("evidence/exports/")?.split_once('/')?;
        Some((path.to_owned(), bytes.clone()))
    });
    files.collect()
}

/// The manifest, after its signature and the hash of every file were verified.
pub fn verified(world: &World) -> Manifest {
    let files = bundle(world);
    let keys: Vec<PublicKey> = files
        .iter()
        .filter(|(path, _)| path.starts_with("keys/"))
        .map(|(_, pem)| PublicKey::from_pem(std::str::from_utf8(pem).unwrap()).unwrap())
        .collect();
    let note = Note::from_file(String::from_utf8(files[MANIFEST_NOTE].clone()).unwrap());
    let (manifest, _) = Manifest::verified(&files[MANIFEST], &note, &keys).unwrap();
    for part in &manifest.parts {
        let bytes = &files[&part.path];
        assert_eq!((&Hash::of(bytes), bytes.len() as u64), (&part.sha256, part.bytes), "{}", part.path);
    }
    assert_eq!(files.len(), manifest.parts.len() + 2, "nothing else is in the bundle: {:?}", files.keys());
    manifest
}

fn text(world: &World, path: &str) -> String {
    String::from_utf8(bundle(world)[path].clone()).unwrap()
}

/// All records of the bundle, in order.
pub fn records(world: &World) -> Vec<String> {
    let files = bundle(world);
    let parts = files.iter().filter(|(path, _)| path.starts_with("records-"));
    parts.flat_map(|(_, bytes)| unpacked(bytes).lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// All records of the table, by stream.
pub fn stored(world: &World) -> Vec<String> {
    let streams: BTreeSet<&String> = world.tables["records"].keys().map(|(stream, _)| stream).collect();
    streams.into_iter().flat_map(|stream| world.stream(stream)).map(|entry| entry.body).collect()
}

/// The bundle without its signature, which has other bytes each time it is made.
fn unsigned(world: &World) -> BTreeMap<String, Vec<u8>> {
    let mut files = bundle(world);
    files.remove(MANIFEST_NOTE);
    files
}

#[test]
fn k12_an_export_of_nothing_is_a_bundle_that_says_so() {
    let standin = locked(&policy("127.0.0.1:9"));
    let finished = export(&standin, &asked(&standin, &[]), 1);
    assert_eq!((&finished["records"], &finished["findings"]), (&json!(0), &json!(0)));
    let world = standin.world.lock().unwrap();
    let manifest = verified(&world);
    assert_eq!((manifest.records, manifest.streams, manifest.checkpoints.last), (0, 0, 0));
    assert_eq!(text(&world, "incidents.csv").lines().count(), 1, "the header alone");
    assert!(text(&world, "report.html").contains("No incident was opened in this period"));
}

#[test]
fn k11_k16_a_bundle_has_exactly_the_records_that_its_checkpoints_cover() {
    let standin = with_incidents(&["a", "b"]);
    let asked = asked(&standin, &[]);
    // What is written now is covered by no checkpoint yet.
    let covered = stored(&standin.world.lock().unwrap());
    incidents(&standin, &["a", "later"]);
    let finished = export(&standin, &asked, 2);
    let world = standin.world.lock().unwrap();
    let manifest = verified(&world);
    assert_eq!(records(&world), covered);
    assert_eq!(finished["records"], covered.len());
    assert_eq!((manifest.records, manifest.streams), (covered.len() as u64, 2));
    let rows = text(&world, "incidents.csv");
    assert_eq!(rows.lines().count(), 3, "{rows}");
    assert!(text(&world, "report.html").contains("2 incidents were opened"));
    let events = unpacked(&bundle(&world)["ocsf-00001.jsonl.zst"]);
    assert!(events.lines().all(|event| event.contains("\"class_uid\":2005")), "{events}");
}

#[test]
fn k15_the_same_request_is_one_export_and_made_anew_it_has_the_same_bytes() {
    let standin = with_incidents(&["a", "b"]);
    let asked = asked(&standin, &[]);
    export(&standin, &asked, 1);
    let (first, whole) = {
        let world = standin.world.lock().unwrap();
        (unsigned(&world), world.objects.clone())
    };
    export(&standin, &asked, 1);
    assert_eq!(standin.world.lock().unwrap().objects, whole, "nothing was written again");
    standin
        .world
        .lock()
        .unwrap()
        .objects
        .retain(|name, _| !name.starts_with("evidence/exports/") && !name.starts_with("evidence/work/"));
    incidents(&standin, &["later"]);
    checkpoint(&standin);
    export(&standin, &asked, 1);
    assert_eq!(unsigned(&standin.world.lock().unwrap()), first, "though there is more in the log by now");
}

#[test]
fn k14_broken_at_any_call_there_is_no_manifest_and_the_next_try_comes_to_the_same_bytes() {
    let standin = with_incidents(&["a", "b"]);
    let asked = asked(&standin, &[]);
    let before = standin.world.lock().unwrap().objects.clone();
    let planned = exporter(&standin).invoke(&plan(&asked)).unwrap().unwrap();
    let steps = [
        plan(&asked),
        json!({ "step": "part", "export": planned["export"], "part": 1 }),
        json!({ "step": "finish", "export": planned["export"] }),
    ];
    let restore = || standin.world.lock().unwrap().objects.clone_from(&before);
    restore();
    export(&standin, &asked, 1);
    let good = unsigned(&standin.world.lock().unwrap());
    let start = || exporter(&standin);
    let mut cases = 0;
    for (place, step) in steps.iter().enumerate() {
        for fault in FAULTS {
            for broken in 0..CALLS {
                restore();
                for earlier in &steps[..place] {
                    start().invoke(earlier).unwrap().unwrap();
                }
                if !break_at(&standin, fault, broken, start, step) {
                    break;
                }
                cases += 1;
                for step in &steps[place..] {
                    start().invoke(step).unwrap().unwrap();
                }
                let world = standin.world.lock().unwrap();
                verified(&world);
                assert_eq!(unsigned(&world), good, "{fault:?} at call {broken} of step {place}");
            }
        }
    }
    assert!(cases >= 60, "three faults at twenty calls at least: {cases}");
}

#[test]
fn a_checkpoint_covers_the_end_of_a_range_once_its_last_records_had_time_to_reach_the_archive() {
    let standin = with_incidents(&["a"]);
    let settled: Timestamp = asked(&standin, &[])["until"].as_str().unwrap().parse().unwrap();
    let made = settled + SETTLES;
    for (minutes, covered) in [(0, false), (4, false), (5, true), (60, true)] {
        let until = made - SignedDuration::from_mins(minutes);
        let asked = json!({ "from": until - SignedDuration::from_hours(1), "until": until });
        let planned = exporter(&standin).invoke(&json!({ "step": "plan", "asked": asked, "anyway": false }));
        assert_eq!(planned.unwrap().unwrap()["covered"], covered, "{minutes} minutes before the checkpoint");
    }
}

#[test]
fn k08_l11_without_kms_or_s3_there_is_no_bundle_and_nothing_that_looks_like_one() {
    let standin = with_incidents(&["a"]);
    let asked = asked(&standin, &[]);
    let planned = exporter(&standin).invoke(&plan(&asked)).unwrap().unwrap();
    let [part, finish] = ["part", "finish"].map(|step| json!({ "step": step, "export": planned["export"], "part": 1 }));
    for (event, service) in [(&part, "PUT /evidence"), (&finish, "TrentService.Sign"), (&finish, "GET /evidence")] {
        standin.breaks(move |_, name| if name.starts_with(service) { Fault::Trouble } else { Fault::None });
        let failure = exporter(&standin).invoke(event).unwrap().unwrap_err();
        assert_eq!(failure.name, "Unavailable", "{service}");
        standin.breaks(|_, _| Fault::None);
        assert!(!bundle(&standin.world.lock().unwrap()).contains_key(MANIFEST), "{service}");
        if event == &part {
            exporter(&standin).invoke(&part).unwrap().unwrap();
        }
    }
    exporter(&standin).invoke(&finish).unwrap().unwrap();
    verified(&standin.world.lock().unwrap());
}

#[test]
fn k17_a_bucket_that_locks_nothing_gets_no_export() {
    let standin = with_incidents(&["a"]);
    let asked = asked(&standin, &[]);
    standin.world.lock().unwrap().lock = None;
    let failure = exporter(&standin).invoke(&plan(&asked)).unwrap().unwrap_err();
    assert_eq!(failure.name, "Misconfigured");
}

#[test]
fn k07_where_the_table_was_rewritten_the_bundle_has_what_the_archive_has_and_says_so() {
    let standin = with_incidents(&["a"]);
    let asked = asked(&standin, &[]);
    let good = stored(&standin.world.lock().unwrap());
    {
        let mut world = standin.world.lock().unwrap();
        for item in world.tables.get_mut("records").unwrap().values_mut() {
            let body = item["body"]["S"].as_str().unwrap().replace("Checkout fails", "Nothing happened");
            let hash = Hash::of(body.as_bytes());
            item.insert("body".to_owned(), json!({ "S": body }));
            item.insert("hash".to_owned(), json!({ "S": hash }));
        }
    }
    export(&standin, &asked, 1);
    {
        let world = standin.world.lock().unwrap();
        assert_eq!(records(&world), good);
        let findings = text(&world, "findings.csv");
        assert!(findings.contains("rewritten_record"), "{findings}");
        assert!(text(&world, "report.html").contains("Records were rewritten"));
    }
    // Without the archive there is nothing that agrees: the stream is left out, and that is told.
    let mut world = standin.world.lock().unwrap();
    world.objects.retain(|name, _| {
        ["evidence/exports/", "evidence/work/", "evidence/archive/"].iter().all(|gone| !name.starts_with(gone))
    });
    drop(world);
    export(&standin, &asked, 1);
    let world = standin.world.lock().unwrap();
    let manifest = verified(&world);
    assert_eq!((manifest.withheld.len(), manifest.records), (1, 0));
    assert!(text(&world, "findings.csv").contains("evidence_gap"));
}

#[test]
fn a_selection_of_classes_leaves_out_the_records_of_all_others_and_names_them() {
    let mut policy = policy("127.0.0.1:9");
    policy.services.get_mut("checkout").unwrap().data_class = Some("payment".to_owned());
    for (classes, records, withheld) in
        [(&["payment"][..], true, 0), (&["health"], false, 1), (&["unclassified"], false, 1)]
    {
        let standin = locked(&policy);
        incidents(&standin, &["a"]);
        checkpoint(&standin);
        export(&standin, &asked(&standin, classes), 1);
        let world = standin.world.lock().unwrap();
        let manifest = verified(&world);
        assert_eq!((manifest.records > 0, manifest.withheld.len()), (records, withheld), "{classes:?}");
        assert_eq!(text(&world, "incidents.csv").lines().count() > 1, records, "{classes:?}");
    }
}

#[test]
fn owners_of_compliance_hear_of_findings_once_and_of_none_never() {
    let phone = Phone::start();
    let mut policy = policy(&phone.address.to_string());
    policy.compliance = serde_json::from_value(json!({ "owners": ["person:ana"] })).unwrap();
    let standin = locked(&policy);
    incidents(&standin, &["a"]);
    checkpoint(&standin);
    let allow = [("WEBHOOK_ALLOW", phone.address.to_string())];
    let exporter = || function(env!("CARGO_BIN_EXE_export"), &standin, &allow);
    let tell = |asked: &Value| {
        let finished = export(&standin, asked, 1);
        let event = json!({ "step": "tell", "export": finished["export"] });
        (finished["findings"].clone(), exporter().invoke(&event).unwrap().unwrap()["told"].clone())
    };
    let clean = asked(&standin, &[]);
    assert_eq!(tell(&clean), (json!(0), json!(false)));
    standin.world.lock().unwrap().objects.retain(|name, _| !name.starts_with("evidence/archive/"));
    let mut again = clean.clone();
    again["classes"] = json!(["payment", "unclassified"]);
    standin.world.lock().unwrap().tables.get_mut("records").unwrap().clear();
    assert_eq!(tell(&again), (json!(1), json!(true)), "the records are lost");
    assert_eq!(tell(&again).1, json!(false), "once");
    let notices = phone.notices();
    assert_eq!((notices.len(), notices[0].person.as_str()), (1, "ana"));
    assert!(notices[0].text.contains("1 finding") && notices[0].text.contains("audit export"), "{}", notices[0].text);
    assert!(phone.pages().is_empty(), "it is no page");
}

/// What the executions of the machine `export` began with.
fn started(standin: &Standin) -> Vec<Value> {
    let world = standin.world.lock().unwrap();
    let inputs = world.executions.values().map(|input| serde_json::from_str::<Value>(input).unwrap());
    inputs.filter(|input| input["until"].is_string()).collect()
}

fn auditor(standin: &Standin) -> Function {
    let machine = "arn:aws:states:us-east-1:000000000000:stateMachine:export".to_owned();
    let more = [("EXPORT_MACHINE", machine), ("CHECKPOINT_FUNCTION", "checkpoint".to_owned())];
    function(env!("CARGO_BIN_EXE_audit"), standin, &more)
}

/// What the API answers to the holder of the token: its status, and its body.
fn request(auditor: &Function, method: &str, path: &str, body: &str) -> (u64, Value, Value) {
    let headers = [("authorization", format!("Bearer {TOKEN}"))];
    let answer = auditor.invoke(&gateway(method, path, &headers, body)).unwrap().unwrap();
    let read = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap_or_default();
    (answer["statusCode"].as_u64().unwrap(), read, answer["headers"].clone())
}

#[test]
fn an_export_is_asked_for_followed_and_fetched_by_the_api() {
    let standin = with_incidents(&["a"]);
    let (auditor, asked) = (auditor(&standin), asked(&standin, &[]));
    let (status, requested, headers) = request(&auditor, "POST", "/v1/audit/exports", &asked.to_string());
    assert_eq!((status, &requested["state"]), (202, &json!("requested")), "{requested}");
    let id = requested["id"].as_str().unwrap();
    assert_eq!(headers["location"], format!("/v1/audit/exports/{id}"));
    request(&auditor, "POST", "/v1/audit/exports", &asked.to_string());
    let inputs = started(&standin);
    assert_eq!(inputs.len(), 1, "the same again is the same");
    let finished = export(&standin, &inputs[0], 1);
    assert_eq!(finished["export"], id);
    let (status, export, _) = request(&auditor, "GET", &format!("/v1/audit/exports/{id}"), "");
    assert_eq!((status, &export["state"], &export["findings"]), (200, &json!("finished"), &json!(0)), "{export}");
    let files: Vec<&str> =
        export["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(files.last(), Some(&MANIFEST), "last, so that a directory with it is whole");
    for path in files {
        let (status, _, headers) = request(&auditor, "GET", &format!("/v1/audit/exports/{id}/parts/{path}"), "");
        let link = headers["location"].as_str().unwrap();
        assert!(status == 307 && link.contains(&format!("/evidence/exports/{id}/{path}?")), "{path}: {link}");
        assert!(link.contains("X-Amz-Signature=") && link.contains("X-Amz-Expires=300"), "{link}");
    }
    for path in ["nothing.csv", "../../work/x", "%2e%2e%2f%2e%2e%2fkeys%2fx"] {
        assert_eq!(request(&auditor, "GET", &format!("/v1/audit/exports/{id}/parts/{path}"), "").0, 404, "{path}");
    }
}

#[test]
fn f20_what_cannot_be_exported_is_refused_and_a_failure_is_told_and_tried_again() {
    let standin = with_incidents(&["a"]);
    let auditor = auditor(&standin);
    let now = Timestamp::now();
    let hour = SignedDuration::from_hours(1);
    for wrong in [
        json!({ "from": now, "until": now + hour }),
        json!({ "from": now, "until": now - hour }),
        json!({ "from": now - hour, "until": now, "classes": [""] }),
        json!({ "from": now - hour, "until": now, "class": "x" }),
        json!({ "from": "yesterday", "until": now }),
    ] {
        assert_eq!(request(&auditor, "POST", "/v1/audit/exports", &wrong.to_string()).0, 400, "{wrong}");
    }
    assert!(started(&standin).is_empty());
    let asked = asked(&standin, &[]);
    let (_, requested, _) = request(&auditor, "POST", "/v1/audit/exports", &asked.to_string());
    let fail = json!({ "step": "fail", "asked": asked, "error": "Unavailable" });
    exporter(&standin).invoke(&fail).unwrap().unwrap();
    let path = format!("/v1/audit/exports/{}", requested["id"].as_str().unwrap());
    assert_eq!(request(&auditor, "GET", &path, "").1["state"], "failed");
    let (status, again, _) = request(&auditor, "POST", "/v1/audit/exports", &asked.to_string());
    assert_eq!((status, &again["state"]), (202, &json!("requested")));
    assert_eq!(started(&standin).len(), 2, "another execution goes on");
}

#[test]
fn checkpoints_records_keys_and_proofs_are_shown_to_the_holder_of_a_token_alone() {
    let standin = with_incidents(&["a", "b"]);
    let auditor = auditor(&standin);
    let stream = {
        let world = standin.world.lock().unwrap();
        world.tables["records"].keys().next().unwrap().0.clone()
    };
    let escaped = stream.replace('#', "%23");
    let (status, list, _) = request(&auditor, "GET", "/v1/audit/checkpoints", "");
    assert_eq!((status, list["checkpoints"].as_array().unwrap().len(), &list["next"]), (200, 1, &Value::Null));
    let (_, kept, _) = request(&auditor, "GET", "/v1/audit/checkpoints/1", "");
    assert_eq!(serde_json::from_value::<Kept>(kept).unwrap().heads.len(), 2);
    let (_, records, _) = request(&auditor, "GET", &format!("/v1/audit/streams/{escaped}/records"), "");
    let entries: Vec<Entry> = serde_json::from_value(records["entries"].clone()).unwrap();
    assert_eq!(entries, standin.world.lock().unwrap().stream(&stream));
    let (_, keys, _) = request(&auditor, "GET", "/v1/audit/keys", "");
    let keys: Vec<PublicKey> =
        keys["keys"].as_array().unwrap().iter().filter_map(|pem| PublicKey::from_pem(pem.as_str()?)).collect();
    let (status, proof, _) = request(&auditor, "GET", &format!("/v1/audit/proof?stream={escaped}&seq=0"), "");
    let proof: domain::evidence::proof::Proof = serde_json::from_value(proof).unwrap();
    assert_eq!((status, proof.verified("proof", &keys).unwrap().stream), (200, stream));
    for (path, status) in [
        ("/v1/audit/checkpoints/2", 404),
        ("/v1/audit/checkpoints/x", 404),
        ("/v1/audit/streams/none/records", 404),
        ("/v1/audit/proof?stream=none&seq=0", 404),
        ("/v1/audit/proof?stream=none", 400),
        ("/v1/audit/nothing", 404),
        ("/v1/audit/exports", 405),
    ] {
        assert_eq!(request(&auditor, "GET", path, "").0, status, "{path}");
        let stranger = auditor.invoke(&gateway("GET", path, &[], "")).unwrap().unwrap();
        assert_eq!(stranger["statusCode"], 401, "{path}");
    }
}

#[test]
#[ignore = "needs a browser: chromium"]
fn the_report_opens_in_a_browser_on_a_desk_and_on_a_telephone() {
    let standin = with_incidents(&["a", "b", "c"]);
    export(&standin, &asked(&standin, &[]), 1);
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let page = folder.join("report.html");
    std::fs::write(&page, text(&standin.world.lock().unwrap(), "report.html")).unwrap();
    for (name, size) in [("desk", "1280,2400"), ("telephone", "390,2400")] {
        let shot = folder.join(format!("report-{name}.png"));
        let mut chromium = std::process::Command::new("chromium");
        chromium.args(["--headless", "--no-sandbox", "--hide-scrollbars", &format!("--window-size={size}")]);
        chromium.arg(format!("--screenshot={}", shot.display())).arg(format!("file://{}", page.display()));
        let Ok(ran) = chromium.output() else {
            eprintln!("chromium is not installed: nobody looked at the report");
            return;
        };
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        // A page that is blank, or that a rule of its own kept from being styled, is smaller.
        assert!(std::fs::metadata(&shot).unwrap().len() > 40_000, "{}", shot.display());
    }
}
