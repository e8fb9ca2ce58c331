//! The template's contract with the code, and what it promises of everything that it deploys.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use domain::escalation::LOST_AFTER;
use serde_json::{Value, json};

use crate::yaml;

/// `infra/template.yaml`.
pub struct Template(Value);

impl Template {
    pub fn read() -> Self {
        Self(yaml::read(&file("infra/template.yaml")))
    }

    pub fn properties(&self, id: &str) -> &Value {
        let properties = &self.0["Resources"][id]["Properties"];
        assert!(properties.is_object(), "no resource {id}");
        properties
    }

    fn of_type<'a>(&'a self, kind: &str) -> BTreeMap<&'a str, &'a Value> {
        let resources = self.0["Resources"].as_object().unwrap().iter();
        let kind = kind.to_owned();
        resources
            .filter(|(_, resource)| resource["Type"] == *kind)
            .map(|(id, _)| (id.as_str(), self.properties(id)))
            .collect()
    }

    /// Whether the function in this file may do `action` to some of the log.
    pub fn may(&self, file: &str, action: &str) -> bool {
        let function = format!("{file}function:");
        statements(self).iter().any(|(place, statement)| {
            place.to_lowercase().starts_with(&function)
                && statement["Resource"] == json!({ "Fn::GetAtt": "RecordsTable.Arn" })
                && listed(&statement["Action"]).contains(&&json!(action))
        })
    }

    /// The names of all resources of a type.
    pub fn ids(&self, kind: &str) -> Vec<String> {
        self.of_type(kind).into_keys().map(str::to_owned).collect()
    }

    /// Each statement of each function and machine: whose it is, and what it says.
    pub fn statements(&self) -> Vec<(String, &Value)> {
        statements(self)
    }

    /// The function in this file.
    pub fn function(&self, file: &str) -> &Value {
        self.functions()[file]
    }

    /// The functions by the name of their file.
    fn functions(&self) -> BTreeMap<String, &Value> {
        let functions = self.of_type("AWS::Serverless::Function").into_iter();
        functions.map(|(id, properties)| (id.strip_suffix("Function").unwrap().to_lowercase(), properties)).collect()
    }
}

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The functions that have a file.
pub fn files() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("functions");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    files.map(|name| name.strip_suffix(".rs").expect("one file a function").to_owned()).collect()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

/// What is referred to: `!Ref X`, `!GetAtt X.Arn`.
fn target(value: &Value) -> &str {
    let text =
        value["Ref"].as_str().or(value["Fn::GetAtt"].as_str()).unwrap_or_else(|| panic!("{value} is no reference"));
    text.split('.').next().unwrap()
}

pub fn listed(value: &Value) -> Vec<&Value> {
    value.as_array().map_or_else(|| vec![value], |items| items.iter().collect())
}

#[test]
fn every_file_of_functions_is_a_binary_and_is_deployed_and_the_reverse() {
    let template = Template::read();
    let manifest = file("Cargo.toml");
    let binaries = manifest.split("[[bin]]").skip(1).map(|entry| entry.split('"').nth(1).unwrap().to_owned());
    assert_eq!(binaries.collect::<BTreeSet<_>>(), files());
    assert_eq!(template.functions().into_keys().collect::<BTreeSet<_>>(), files());
    for (name, function) in template.functions() {
        assert_eq!(function["CodeUri"], format!("../target/lambda/{name}/"));
        assert_eq!(function["FunctionName"], json!({ "Fn::Sub": format!("${{AWS::StackName}}-{name}") }));
    }
}

#[test]
fn every_variable_that_a_function_requires_is_set_and_none_in_vain() {
    for (name, function) in Template::read().functions() {
        let source = file(&format!("functions/{name}.rs"));
        let required = source.split("required(\"").skip(1).map(|rest| rest.split_once('"').unwrap().0.to_owned());
        let mut required: BTreeSet<String> = required.collect();
        // The channels read it themselves, and do without.
        required.extend(source.contains("Channels::from_env").then(|| "WEBHOOK_ALLOW".to_owned()));
        assert_eq!(keys(&function["Environment"]["Variables"]), required, "{name}");
    }
}

#[test]
fn every_function_says_how_long_it_may_take_and_logs_to_a_group_that_forgets() {
    let template = Template::read();
    for (name, function) in template.functions() {
        // HTTP waits no longer, and Lambda itself for nobody longer than a quarter of an hour.
        let limit = if ["archive", "checkpoint", "export"].contains(&name.as_str()) { 900 } else { 30 };
        assert!(function["Timeout"].as_u64().is_some_and(|seconds| seconds <= limit), "{name}");
        target(&function["LoggingConfig"]["LogGroup"]);
    }
    for (id, group) in template.of_type("AWS::Logs::LogGroup") {
        assert_eq!(group["RetentionInDays"], json!({ "Ref": "LogRetentionDays" }), "{id}");
    }
    let page = template.properties("PageFunction")["Timeout"].as_i64().unwrap();
    assert!(page < LOST_AFTER.as_secs(), "a message may count as lost while page still sends it");
}

#[test]
fn e10_every_queue_has_a_dead_letter_queue_that_outlives_it() {
    let template = Template::read();
    let queues = template.of_type("AWS::SQS::Queue");
    let (dead, live): (Vec<_>, Vec<_>) = queues.iter().partition(|(id, _)| id.ends_with("DeadLetters"));
    assert!(!live.is_empty());
    for (id, queue) in live {
        let letters = target(&queue["RedrivePolicy"]["deadLetterTargetArn"]);
        let kept = |id: &str| queues[id]["MessageRetentionPeriod"].as_u64().unwrap();
        assert!(kept(letters) > kept(id), "{id}: age counts from the first send");
        assert!(queue["RedrivePolicy"]["maxReceiveCount"].as_u64().unwrap() >= 5, "{id}");
    }
    let alarms = template.of_type("AWS::CloudWatch::Alarm");
    for (id, queue) in dead {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
        let name = json!({ "Fn::GetAtt": format!("{id}.QueueName") });
        let alarm = alarms.values().find(|alarm| alarm["Dimensions"][0]["Value"] == name);
        let said = alarm.unwrap_or_else(|| panic!("{id}: nobody hears of it"))["AlarmDescription"].as_str().unwrap();
        let path = id.strip_suffix("DeadLetters").unwrap().to_lowercase();
        let path = domain::letter::Path::named(&path).unwrap_or_else(|| panic!("{id}: nobody can list or redrive it"));
        assert!(said.ends_with(&path.runbook()), "{id}: what to do is not said by {said:?}");
    }
}

#[test]
fn every_runbook_that_an_alarm_names_is_written_and_says_what_it_means_what_to_look_at_and_what_to_do() {
    let (template, runbooks) = (Template::read(), file("docs/runbooks.md"));
    let mut named = BTreeSet::new();
    for alarm in template.of_type("AWS::CloudWatch::Alarm").values() {
        let said = alarm["AlarmDescription"].as_str().unwrap();
        named.extend(said.split_once("docs/runbooks.md#").map(|(_, place)| place.to_owned()));
    }
    named.extend(domain::letter::Path::ALL.map(|path| path.as_str().to_owned()));
    for place in named {
        let section = runbooks.split("\n## ").find(|section| section.lines().next().unwrap().to_lowercase() == place);
        let section = section.unwrap_or_else(|| panic!("docs/runbooks.md has no section {place}"));
        for part in ["**What it means.**", "**What to look at.**", "**What to do.**"] {
            assert!(section.contains(part), "{place}: {part}");
        }
    }
}

#[test]
fn g06_a_sweep_that_fails_and_one_that_does_not_come_raise_an_alarm() {
    let template = Template::read();
    let of_the_sweep = |id: &str, metric: &str| {
        let alarm = template.properties(id);
        assert_eq!(alarm["MetricName"], metric, "{id}");
        assert_eq!(target(&alarm["Dimensions"][0]["Value"]), "SweepFunction", "{id}");
        alarm["TreatMissingData"].as_str().unwrap().to_owned()
    };
    of_the_sweep("SweepErrorsAlarm", "Errors");
    of_the_sweep("NeglectedAlarm", "incidents_neglected_in_vain");
    assert_eq!(
        of_the_sweep("SweepStoppedAlarm", "Invocations"),
        "breaching",
        "none at all is no better than a failed one"
    );
}

#[test]
fn e05_a_batch_is_not_handed_out_again_while_it_is_at_work_and_fails_one_by_one() {
    let template = Template::read();
    let queues = template.of_type("AWS::SQS::Queue");
    for (id, mapping) in template.of_type("AWS::Lambda::EventSourceMapping") {
        if !queues.contains_key(target(&mapping["EventSourceArn"])) {
            continue;
        }
        let limit = template.properties(target(&mapping["FunctionName"]))["Timeout"].as_u64().unwrap();
        let hidden = template.properties(target(&mapping["EventSourceArn"]))["VisibilityTimeout"].as_u64().unwrap();
        assert!(hidden >= 6 * limit, "{id}");
        assert_eq!(mapping["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{id}");
    }
}

#[test]
fn the_log_is_followed_from_its_first_record_and_what_cannot_be_archived_is_told_before_it_is_forgotten() {
    let template = Template::read();
    assert_eq!(template.properties("RecordsTable")["StreamSpecification"]["StreamViewType"], "NEW_IMAGE");
    let mapping = template.properties("ArchiveRecords");
    assert_eq!(mapping["EventSourceArn"], json!({ "Fn::GetAtt": "RecordsTable.StreamArn" }));
    assert_eq!(mapping["StartingPosition"], "TRIM_HORIZON");
    assert_eq!(mapping["MaximumRetryAttempts"], "-1", "it is tried until its time is over");
    let day = 24 * 60 * 60;
    assert!(
        mapping["MaximumRecordAgeInSeconds"].as_u64().is_some_and(|age| age < day),
        "the stream forgets after a day"
    );
    assert_eq!(mapping["BisectBatchOnFunctionError"], true);
    assert_eq!(target(&mapping["DestinationConfig"]["OnFailure"]["Destination"]), "ArchiveDeadLetters");
}

/// K14 and K17 on paper: the emulator has no Object Lock from a template.
#[test]
fn evidence_is_locked_before_anything_is_put_into_it() {
    let template = Template::read();
    let bucket = template.properties("EvidenceBucket");
    assert_eq!(
        (&bucket["ObjectLockEnabled"], &bucket["VersioningConfiguration"]["Status"]),
        (&json!(true), &json!("Enabled"))
    );
    let retention = &bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"];
    let parameters = ["EvidenceRetentionMode", "EvidenceRetentionDays"].map(|name| json!({ "Ref": name }));
    assert_eq!([&retention["Mode"], &retention["Days"]], [&parameters[0], &parameters[1]]);
    assert_eq!(template.0["Parameters"]["EvidenceRetentionMode"]["Default"], "COMPLIANCE");
    for (setting, _) in bucket["PublicAccessBlockConfiguration"].as_object().unwrap() {
        assert_eq!(bucket["PublicAccessBlockConfiguration"][setting], true, "{setting}");
    }
    let rule = &bucket["LifecycleConfiguration"]["Rules"][0];
    assert!(rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"].is_number(), "no part is kept for ever");
    assert!(rule["ExpirationInDays"].is_null() && rule["NoncurrentVersionExpiration"].is_null(), "evidence stays");
    let policy = listed(&template.properties("EvidenceBucketPolicy")["PolicyDocument"]["Statement"]);
    assert!(policy.iter().all(|statement| statement["Effect"] == "Deny" && statement["Principal"] == "*"));
    let key = template.properties("EvidenceKey");
    assert_eq!((&key["KeySpec"], &key["KeyUsage"]), (&json!("ECC_NIST_P256"), &json!("SIGN_VERIFY")));
    for id in ["EvidenceBucket", "EvidenceKey"] {
        assert_eq!(template.0["Resources"][id]["DeletionPolicy"], "Retain", "{id}");
        assert_eq!(template.0["Resources"][id]["UpdateReplacePolicy"], "Retain", "{id}");
    }
    // Nobody may open the lock, and nobody but whoever signs may ask the key.
    for (place, statement) in statements(&template) {
        let actions = statement["Action"].to_string();
        assert!(
            !actions.contains("Bypass") && !actions.contains("Retention") && !actions.contains("s3:Delete"),
            "{place}"
        );
    }
}

#[test]
fn a_checkpoint_that_is_late_or_never_made_raises_an_alarm() {
    let template = Template::read();
    let alarm = template.properties("CheckpointAgeAlarm");
    assert_eq!(alarm["MetricName"], "checkpoint_age_seconds");
    assert_eq!(alarm["TreatMissingData"], "breaching");
    let late = domain::evidence::event::LATE.as_secs();
    assert_eq!(alarm["Threshold"], late, "what is late in the log is late for the alarm");
    assert_eq!(template.properties("ArchiveAgeAlarm")["MetricName"], "IteratorAge");
    for id in ["ArchiveRewrittenAlarm", "CheckpointRewrittenAlarm"] {
        assert_eq!(template.properties(id)["MetricName"], "records_rewritten");
    }
}

#[test]
fn e13_what_an_asynchronous_source_cannot_deliver_is_kept() {
    let template = Template::read();
    let mut sources = 0;
    for (name, function) in template.functions() {
        for (event, source) in function["Events"].as_object().into_iter().flatten() {
            let properties = &source["Properties"];
            let letters = match source["Type"].as_str().unwrap() {
                "EventBridgeRule" | "Schedule" | "ScheduleV2" => &properties["DeadLetterConfig"]["Arn"],
                "SNS" => &properties["RedrivePolicy"]["deadLetterTargetArn"],
                other => panic!("{name}: {event}: how does {other} keep what fails?"),
            };
            assert!(target(letters).ends_with("DeadLetters"), "{name}: {event}");
            let failed = &function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"];
            assert!(target(failed).ends_with("DeadLetters"), "{name}");
            sources += 1;
        }
    }
    assert_eq!(sources, 5);
}

#[test]
fn mails_are_heard_where_a_domain_is_named_and_only_by_the_rule_that_checks_them() {
    let template = Template::read();
    assert_eq!(template.0["Parameters"]["MailDomain"]["Default"], "");
    let parts: Vec<&String> =
        template.0["Resources"].as_object().unwrap().keys().filter(|id| id.starts_with("Mail")).collect();
    assert_eq!(parts.len(), 6, "{parts:?}");
    for id in parts {
        assert_eq!(template.0["Resources"][id]["Condition"], "HearsMail", "{id}");
    }
    let rule = &template.properties("MailRule")["Rule"];
    assert_eq!(rule["Recipients"], json!([{ "Ref": "MailDomain" }]));
    assert_eq!((&rule["ScanEnabled"], &rule["TlsPolicy"]), (&json!(true), &json!("Require")));
    let action = &rule["Actions"][0]["SNSAction"];
    assert_eq!((target(&action["TopicArn"]), &action["Encoding"]), ("MailTopic", &json!("Base64")));
    // SES asks for the right to publish when the rule is made.
    assert_eq!(template.0["Resources"]["MailRule"]["DependsOn"], "MailTopicPolicy");

    let policy = listed(&template.properties("MailTopicPolicy")["PolicyDocument"]["Statement"]);
    let allowed: Vec<_> = policy.iter().filter(|statement| statement["Effect"] == "Allow").collect();
    assert_eq!(allowed.len(), 1);
    assert_eq!(allowed[0]["Principal"], json!({ "Service": "ses.amazonaws.com" }));
    let condition = &allowed[0]["Condition"];
    assert_eq!(condition["StringEquals"]["aws:SourceAccount"], json!({ "Ref": "AWS::AccountId" }));
    let source = condition["ArnLike"]["aws:SourceArn"]["Fn::Sub"].as_str().unwrap();
    assert!(source.ends_with("${AWS::AccountId}:receipt-rule-set/*"), "{source}");

    let subscription = template.properties("MailSubscription");
    assert_eq!(target(&subscription["Endpoint"]), "IngestFunction");
    assert_eq!(target(&subscription["RedrivePolicy"]["deadLetterTargetArn"]), "IngestDeadLetters");
    assert_eq!(target(&template.properties("MailPermission")["SourceArn"]), "MailTopic");
    assert!(template.0.to_string().matches(r#""Fn::If":["HearsMail",{"Ref":"MailTopic"}"#).count() == 1, "letters");
}

#[test]
fn no_table_can_be_lost_and_nobody_rewrites_the_log() {
    let template = Template::read();
    for (id, table) in template.of_type("AWS::DynamoDB::Table") {
        assert_eq!(table["DeletionProtectionEnabled"], true, "{id}");
        assert_eq!(table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true, "{id}");
        assert_eq!(template.0["Resources"][id]["DeletionPolicy"], "Retain", "{id}");
        assert_eq!(template.0["Resources"][id]["UpdateReplacePolicy"], "Retain", "{id}");
    }
    let records = template.properties("RecordsTable");
    assert!(records["TimeToLiveSpecification"].is_null(), "a record does not expire");
    let denied = &records["ResourcePolicy"]["PolicyDocument"]["Statement"][0];
    assert_eq!((&denied["Effect"], &denied["Principal"]), (&json!("Deny"), &json!("*")));
    for action in ["dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"] {
        assert!(listed(&denied["Action"]).contains(&&json!(action)), "{action}");
    }
}

/// Each statement of each function and machine: whose it is, and what it says.
fn statements(template: &Template) -> Vec<(String, &Value)> {
    let owners = ["AWS::Serverless::Function", "AWS::Serverless::StateMachine"];
    let owners = owners.into_iter().flat_map(|kind| template.of_type(kind));
    let mut found = Vec::new();
    for (id, properties) in owners {
        for statement in listed(&properties["Policies"]).iter().flat_map(|policy| listed(&policy["Statement"])) {
            let sid = statement["Sid"].as_str().unwrap_or_else(|| panic!("{id}: a statement without a name"));
            found.push((format!("{id}: {sid}"), statement));
        }
    }
    found
}

#[test]
fn l03_nobody_may_do_more_than_is_named() {
    /// Statements that cannot name what they are about, each with its reason beside it in the template.
    const BROAD: [&str; 6] = [
        "ExportFunction: SendTexts",
        "ExportStateMachine: DeliverLogs",
        "PageFunction: SendTexts",
        "RespondFunction: SendTexts",
        "SweepFunction: SendTexts",
        "IncidentStateMachine: DeliverLogs",
    ];
    let template = Template::read();
    let statements = statements(&template);
    for (place, statement) in &statements {
        assert_eq!(statement["Effect"], "Allow", "{place}");
        for action in listed(&statement["Action"]) {
            assert!(!action.as_str().unwrap().contains('*'), "{place}: {action}");
        }
        let broad = statement["Resource"].is_null() || listed(&statement["Resource"]).contains(&&json!("*"));
        assert_eq!(broad, BROAD.contains(&place.as_str()), "{place}");
    }
    for name in BROAD {
        assert!(statements.iter().any(|(place, _)| place == name), "{name} is gone");
    }
}

#[test]
fn a_function_may_only_add_to_the_log_and_only_to_streams_of_its_own() {
    let template = Template::read();
    for (place, statement) in statements(&template) {
        if statement["Resource"] != json!({ "Fn::GetAtt": "RecordsTable.Arn" }) {
            continue;
        }
        let writes = listed(&statement["Action"]).into_iter().any(|action| action == "dynamodb:PutItem");
        for action in listed(&statement["Action"]) {
            let known = ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"].contains(&action.as_str().unwrap());
            assert!(known, "{place}: {action}");
        }
        let streams = statement["Condition"].as_object().map(|condition| condition.values().next().unwrap());
        let (owner, name) = place.split_once(": ").unwrap();
        let own: &[&str] = match owner {
            // Whoever is asked by the holder of a token writes down who asked.
            _ if name == "KeepAccess" => &["access#*"],
            "RespondFunction" => &["incident#*", "subjects"],
            "DedupFunction" => &["incident#*", "changes#*"],
            "PolicyFunction" => &["policy"],
            "ScheduleFunction" => &["covers", "calendars"],
            "SilenceFunction" => &["silences"],
            "SweepFunction" => &["incident#*", "silences", "gaps"],
            "ArchiveFunction" | "CheckpointFunction" => &["evidence"],
            _ => &["incident#*"],
        };
        let streams = streams.map(|streams| &streams["dynamodb:LeadingKeys"]);
        assert!(!writes || streams == Some(&json!(own)), "{place}");
    }
}

#[test]
fn whoever_asks_for_a_token_or_a_key_may_write_down_who_asked() {
    let template = Template::read();
    let statements = statements(&template);
    for name in files() {
        let asks = file(&format!("functions/{name}.rs")).contains("AccessLog::new");
        let may = statements.iter().any(|(place, _)| place.to_lowercase() == format!("{name}function: keepaccess"));
        assert_eq!(asks, may, "{name}");
    }
}

#[test]
fn every_function_behind_the_api_may_be_called_by_it() {
    let template = Template::read();
    let of = |kind: &str| template.of_type(kind).into_values().collect::<Vec<_>>();
    let integrations = template.of_type("AWS::ApiGatewayV2::Integration");
    let behind: BTreeSet<&str> =
        integrations.values().map(|properties| target(&properties["IntegrationUri"])).collect();
    let called = of("AWS::Lambda::Permission");
    assert_eq!(called.iter().map(|properties| target(&properties["FunctionName"])).collect::<BTreeSet<_>>(), behind);
    let mut used = BTreeSet::new();
    for route in of("AWS::ApiGatewayV2::Route") {
        let to = route["Target"]["Fn::Sub"].as_str().unwrap();
        used.insert(to.strip_prefix("integrations/${").unwrap().strip_suffix('}').unwrap());
    }
    assert_eq!(used, integrations.into_keys().collect());
}

#[test]
fn access_logs_hold_no_secret() {
    let template = Template::read();
    let format = template.properties("HttpApiStage")["AccessLogSettings"]["Format"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(format).is_ok(), "{format}");
    for secret in ["$context.path", "queryString", "authorizer", "$context.customDomain", "header"] {
        assert!(!format.contains(secret), "{secret}: a link's path is its secret");
    }
}

/// The emulator checks some calls of AWS otherwise than AWS does: whoever may make one there must be able to make it here.
#[test]
fn the_local_cloud_bridges_the_gaps_of_every_function_that_has_them() {
    let bridged = include_str!("../../local/rights.py");
    let template = Template::read();
    for (place, statement) in statements(&template) {
        let actions = statement["Action"].to_string();
        for (action, bridge) in [("ssm:GetParameters", "SECRETS"), ("ses:SendEmail", "MAIL")] {
            let Some(function) = place.split_once("Function:").map(|(function, _)| function) else { continue };
            let line = bridged.lines().find(|line| line.trim_start().starts_with(&format!("\"{function}\":")));
            let granted = line.is_some_and(|line| line.contains(bridge));
            assert!(!actions.contains(action) || granted, "local/rights.py: {function} needs {bridge}");
        }
    }
}
