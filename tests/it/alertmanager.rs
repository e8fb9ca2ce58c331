//! The same alerts through a stock Alertmanager and through Watchkeeper on the local cloud: the same notifications.
//!
//! Both get the same timeline at the same time, with the same grouping and the same inhibition. Compared is which group
//! is told when, and of which alerts. Alertmanager comes with Debian's package `prometheus-alertmanager`; where it is not
//! installed the test says so and promises nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use domain::group::Flushed;
use domain::incident::Event;
use domain::log::{Entry, Record};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::client::Client;
use crate::cloud::{Cloud, key};
use crate::server::{Answer, serve};

/// Where Debian and others put Alertmanager.
const BINARIES: [&str; 3] =
    ["/usr/bin/prometheus-alertmanager", "/usr/bin/alertmanager", "/usr/local/bin/alertmanager"];
/// The times of the groups, in seconds. No change comes closer than a few seconds to a look.
const WAIT: i64 = 10;
const INTERVAL: i64 = 20;
const REPEAT: i64 = 50;
/// When the timeline is over, in seconds.
const END: i64 = 124;
/// By how much the two may differ: the emulator hands an alert on in seconds, and looks come by the whole second.
const TOLERANCE: i64 = 5;

/// What happens: the second, the alert's name, kind, cluster and pod, and whether it fires or clears.
const TIMELINE: &[(i64, [&str; 4], bool)] = &[
    (0, ["HighLatency", "pod", "eu", "1"], true),
    (0, ["ClusterDown", "cluster", "ap", "-"], true),
    (4, ["HighLatency", "pod", "eu", "2"], true),
    (4, ["HighLatency", "pod", "us", "3"], true),
    (16, ["HighLatency", "pod", "eu", "4"], true),
    (24, ["HighLatency", "pod", "ap", "9"], true),
    (38, ["HighLatency", "pod", "eu", "1"], false),
    (62, ["ClusterDown", "cluster", "ap", "-"], false),
    (80, ["HighLatency", "pod", "eu", "2"], false),
    (80, ["HighLatency", "pod", "eu", "4"], false),
    (84, ["HighLatency", "pod", "us", "3"], false),
    (96, ["HighLatency", "pod", "ap", "9"], false),
];

/// A notification: the second, and the pods in it, each with whether it is over.
type Notification = (i64, BTreeSet<(String, bool)>);
/// The notifications of each group, by its alert's name and cluster.
type Notifications = BTreeMap<String, Vec<Notification>>;

/// The alert as Prometheus posts it.
fn posted(drill: &str, labels: [&str; 4], began: Timestamp, fires: bool) -> Value {
    let [name, kind, cluster, pod] = labels;
    let minutes = SignedDuration::from_mins(30);
    json!({
        "labels": { "alertname": name, "kind": kind, "cluster": cluster, "pod": pod, "drill": drill },
        "annotations": {}, "generatorURL": "", "startsAt": began.to_string(),
        "endsAt": if fires { began + minutes } else { Timestamp::now() }.to_string(),
    })
}

/// A stock Alertmanager with a receiver that remembers what it was told.
struct Alertmanager {
    process: Child,
    url: String,
    told: Arc<Mutex<Vec<(Timestamp, Value)>>>,
    folder: std::path::PathBuf,
}

impl Alertmanager {
    /// `None` where it is not installed.
    fn start() -> Option<Self> {
        let binary = BINARIES.into_iter().find(|binary| std::path::Path::new(binary).exists())?;
        let told: Arc<Mutex<Vec<(Timestamp, Value)>>> = Arc::default();
        let inner = Arc::clone(&told);
        let hook = serve(move |request| {
            inner.lock().unwrap().push((Timestamp::now(), serde_json::from_slice(&request.body).unwrap()));
            Some(Answer::new(200, "{}"))
        });
        let folder = std::env::temp_dir().join(key("alertmanager"));
        std::fs::create_dir_all(&folder).unwrap();
        let config = format!(
            "route: {{ receiver: hook, group_by: [alertname, cluster], group_wait: {WAIT}s, group_interval: {INTERVAL}s, repeat_interval: {REPEAT}s }}\n\
             receivers: [{{ name: hook, webhook_configs: [{{ url: 'http://{hook}/', send_resolved: true }}] }}]\n\
             inhibit_rules: [{{ source_matchers: ['kind=\"cluster\"'], target_matchers: ['kind=\"pod\"'], equal: [cluster] }}]\n"
        );
        let file = folder.join("alertmanager.yml");
        std::fs::write(&file, config).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(binary)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let own = Self { process, url: format!("http://127.0.0.1:{port}"), told, folder };
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "Alertmanager does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(own)
    }

    fn notifications(&self, began: Timestamp) -> Notifications {
        let mut found = Notifications::new();
        for (at, told) in self.told.lock().unwrap().iter() {
            let alerts = told["alerts"].as_array().unwrap().iter();
            let alerts = alerts.map(|alert| (text(&alert["labels"]["pod"]), alert["status"] == "resolved"));
            let second = at.duration_since(began).as_secs();
            found.entry(group(&told["groupLabels"])).or_default().push((second, alerts.collect()));
        }
        found
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn group(labels: &Value) -> String {
    format!("{} {}", text(&labels["alertname"]), text(&labels["cluster"]))
}

/// Adds the drill's route and inhibition to the policy that rules, and gives back what ruled before.
fn apply(cloud: &Cloud, drill: &str) -> Value {
    let before = cloud.get("/v1/policy")["policy"].clone();
    let mut policy = before.clone();
    let time = |seconds: i64| format!("PT{seconds}S");
    let route = json!({
        "name": drill, "when": format!("alert.labels.drill == {drill:?}"), "escalation": "demo",
        "group": { "by": ["alertname", "cluster"], "wait": time(WAIT), "interval": time(INTERVAL), "repeat": time(REPEAT) },
    });
    let routes = policy["routes"].as_array().cloned().unwrap_or_default();
    policy["routes"] = json!([vec![route], routes].concat());
    let matcher = |name: &str, value: &str| json!({ "name": name, "value": value, "isRegex": false, "isEqual": true });
    policy["inhibitions"] = json!([{
        "name": drill,
        "source": [matcher("kind", "cluster"), matcher("drill", drill)],
        "target": [matcher("kind", "pod"), matcher("drill", drill)],
        "equal": ["cluster"],
    }]);
    cloud.apply(&policy);
    before
}

/// What the logs of the drill's groups say was told, and that somebody was.
fn watchkeeper(cloud: &Cloud, drill: &str, began: Timestamp) -> Notifications {
    let mut found = Notifications::new();
    let list = cloud.get("/v1/incidents?limit=200");
    let groups = list["incidents"].as_array().unwrap().iter();
    for incident in groups.filter(|incident| text(&incident["key"]).starts_with(&format!("{drill} "))) {
        let records = cloud.get(&format!("/v1/incidents/{}/records", text(&incident["id"])));
        let entries: Vec<Entry> = serde_json::from_value(records["entries"].clone()).unwrap();
        for record in entries.iter().map(|entry| Record::<Event>::open(entry).unwrap()) {
            for event in record.events {
                let Event::Flushed(Flushed { told: Some(_), alerts, .. }) = event else { continue };
                let second = record.at.duration_since(began).as_secs();
                let pod = |labels: &BTreeMap<String, String>| labels.get("pod").cloned().unwrap_or_default();
                let alerts = alerts.iter().map(|alert| (pod(&alert.labels), alert.resolved)).collect();
                found.entry(group(&incident["labels"])).or_default().push((second, alerts));
            }
        }
        assert!(!cloud.pages(&text(&incident["id"])).is_empty(), "somebody is told: {incident}");
    }
    found
}

/// Where the two differ, in words; nothing when they do not.
fn differences(theirs: &Notifications, ours: &Notifications) -> String {
    let mut found = String::new();
    for group in theirs.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
        let told = |by: &Notifications| by.get(group).cloned().unwrap_or_default();
        let (theirs, ours) = (told(theirs), told(ours));
        let close = |(a, b): (&Notification, &Notification)| a.1 == b.1 && (a.0 - b.0).abs() <= TOLERANCE;
        if theirs.len() != ours.len() || !theirs.iter().zip(&ours).all(close) {
            let _ = writeln!(found, "{group}\n  Alertmanager: {theirs:?}\n  Watchkeeper:  {ours:?}");
        }
    }
    found
}

#[test]
#[ignore = "needs the local stack: make up"]
fn the_same_alerts_are_told_as_by_a_stock_alertmanager() {
    let Some(alertmanager) = Alertmanager::start() else {
        eprintln!("prometheus-alertmanager is not installed: nothing was compared");
        return;
    };
    let cloud = Cloud::new();
    let drill = key("drill");
    let before = apply(&cloud, &drill);
    // Until the policy rules everywhere.
    std::thread::sleep(Duration::from_secs(12));

    let began = Timestamp::now();
    let mut starts: BTreeMap<[&str; 4], Timestamp> = BTreeMap::new();
    let headers = [("content-type", "application/json")];
    for (second, labels, fires) in TIMELINE {
        let wait = (began + SignedDuration::from_secs(*second)).duration_since(Timestamp::now());
        std::thread::sleep(Duration::try_from(wait).unwrap_or_default());
        let starts = starts.entry(*labels).or_insert_with(Timestamp::now);
        let body = json!([posted(&drill, *labels, *starts, *fires)]).to_string();
        for (name, mut client) in [("Alertmanager", Client::new(&alertmanager.url)), ("Watchkeeper", cloud.client())] {
            assert_eq!(client.ask("POST", "/api/v2/alerts", &headers, &body).0, 200, "{name}");
        }
    }
    let rest = (began + SignedDuration::from_secs(END + TOLERANCE)).duration_since(Timestamp::now());
    std::thread::sleep(Duration::try_from(rest).unwrap_or_default());

    let (theirs, ours) = (alertmanager.notifications(began), watchkeeper(&cloud, &drill, began));
    cloud.apply(&before);
    eprintln!("Alertmanager: {theirs:#?}");
    assert_eq!(theirs.len(), 4, "every group is told");
    assert_eq!(differences(&theirs, &ours), "");
}
