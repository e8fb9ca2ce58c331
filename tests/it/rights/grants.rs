//! What the template grants to each function, and what the function ever calls.

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};

use serde_json::Value;

use crate::template::{Template, listed};

/// A right that a function has.
#[derive(Debug)]
pub struct Grant {
    /// The statement that says so.
    pub place: String,
    pub action: String,
    /// A resource of the template, or a part of one, in the words of the probes.
    pub on: String,
    /// Whether it is for some keys alone.
    pub conditional: bool,
}

impl Grant {
    /// Whether it is the right to do `action` to `on`.
    pub fn covers(&self, action: &str, on: &str) -> bool {
        let within = self.on.strip_suffix('*').is_some_and(|folder| on.starts_with(folder));
        self.action == action && (self.on == on || within)
    }
}

/// The rights of the function in `file`.
pub fn of(template: &Template, file: &str) -> Vec<Grant> {
    let mut grants = Vec::new();
    for (place, statement) in template.statements() {
        if !place.to_lowercase().starts_with(&format!("{file}function:")) {
            continue;
        }
        let about = if statement["Resource"].is_null() { &statement["NotResource"] } else { &statement["Resource"] };
        for on in listed(about).into_iter().map(named) {
            let conditional = statement["Condition"].is_object();
            let actions = listed(&statement["Action"]).into_iter().map(|action| action.as_str().unwrap().to_owned());
            grants.extend(actions.map(|action| Grant { place: place.clone(), action, on: on.clone(), conditional }));
        }
    }
    // SAM grants what it takes to keep an event that failed.
    let kept = &template.function(file)["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"];
    if kept.is_object() {
        let (place, action) = (format!("{file}: OnFailure"), "sqs:SendMessage".to_owned());
        grants.push(Grant { place, action, on: named(kept), conditional: false });
    }
    grants
}

/// A resource of a statement, in the words of the probes.
fn named(resource: &Value) -> String {
    if let Some(id) = resource["Ref"].as_str().or(resource["Fn::GetAtt"].as_str()) {
        return id.strip_suffix(".Arn").unwrap_or(id).to_owned();
    }
    if resource["Fn::If"].is_array() {
        return named(&resource["Fn::If"][2]);
    }
    let text = resource["Fn::Sub"].as_str().unwrap_or_else(|| panic!("{resource} is no resource that is known"));
    let known = [
        (":parameter$", "parameters"),
        (":identity/", "mail"),
        // All that has a name is left out there: telephones have none.
        (":sns:*", "telephones"),
        (":stateMachine:${AWS::StackName}-incident", "IncidentStateMachine"),
        (":stateMachine:${AWS::StackName}-export", "ExportStateMachine"),
        (":execution:${AWS::StackName}-incident", "IncidentStateMachine/executions"),
        (":execution:${AWS::StackName}-export", "ExportStateMachine/executions"),
    ];
    let part = known.iter().find(|(part, _)| text.contains(part)).map(|(_, name)| (*name).to_owned());
    part.unwrap_or_else(|| text.replacen("${", "", 1).replacen(".Arn}", "", 1))
}

/// The texts by which a store makes a call.
const CALLS: [(&str, &[&str]); 24] = [
    ("dynamodb:GetItem", &[".get_item()"]),
    ("dynamodb:BatchGetItem", &[".batch_get_item()"]),
    ("dynamodb:PutItem", &[".put_item()", "Put::builder()"]),
    ("dynamodb:UpdateItem", &[".update_item()"]),
    ("dynamodb:DeleteItem", &[".delete_item()", "Delete::builder()"]),
    ("dynamodb:BatchWriteItem", &[".batch_write_item()"]),
    ("dynamodb:Query", &[".query()"]),
    ("sqs:SendMessage", &[".send_message()"]),
    ("sqs:ReceiveMessage", &[".receive_message()"]),
    ("sqs:DeleteMessage", &[".delete_message()"]),
    ("sqs:ChangeMessageVisibility", &[".change_message_visibility()"]),
    ("sqs:GetQueueAttributes", &[".get_queue_attributes()"]),
    ("states:StartExecution", &["\"StartExecution\""]),
    ("states:DescribeExecution", &["\"DescribeExecution\""]),
    ("states:ListExecutions", &["\"ListExecutions\""]),
    ("lambda:InvokeFunction", &["/invocations"]),
    ("kms:Sign", &["TrentService.Sign"]),
    ("kms:GetPublicKey", &["TrentService.GetPublicKey"]),
    ("ssm:GetParameters", &["AmazonSSM.GetParameters"]),
    ("s3:GetObject", &["Method::GET"]),
    ("s3:PutObject", &["Method::PUT"]),
    ("s3:ListBucket", &["list-type"]),
    ("s3:GetBucketObjectLockConfiguration", &["object-lock"]),
    ("ses:SendEmail", &["outbound-emails"]),
];

/// Everything that the function in `file` can call: by the stores that it opens, and the channels.
pub fn calls(file: &str) -> BTreeSet<(String, Option<&'static str>)> {
    let root = env!("CARGO_MANIFEST_DIR");
    let function = read_to_string(format!("{root}/functions/{file}.rs")).unwrap();
    let stores: Vec<(String, String)> = read_dir(format!("{root}/src/store"))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), read_to_string(path).unwrap())
        })
        .collect();
    let mut found = BTreeSet::new();
    let opened = function.split("::new(").filter_map(|before| before.rsplit(|c: char| !c.is_alphanumeric()).next());
    for name in opened {
        let declared = [format!("pub struct {name} {{"), format!("pub struct {name}(")];
        for (_, text) in stores.iter().filter(|(_, text)| declared.iter().any(|known| text.contains(known))) {
            add(&mut found, text, &stores);
        }
    }
    if function.contains("Channels::from_env") {
        found.extend(["ses:SendEmail", "sns:Publish"].map(|action| (action.to_owned(), None)));
    }
    found
}

/// Adds what a store calls itself, and through the stores that it is made of.
fn add(found: &mut BTreeSet<(String, Option<&'static str>)>, text: &str, stores: &[(String, String)]) {
    for (action, ways) in CALLS {
        for way in ways {
            for (at, _) in text.match_indices(way) {
                found.insert((action.to_owned(), action.starts_with("dynamodb:").then(|| table(text, at))));
            }
        }
    }
    for line in text.lines().filter_map(|line| line.strip_prefix("use super::")) {
        let (name, what) = line.split_once("::").unwrap_or((line, ""));
        let parts: BTreeSet<&str> = what.split(|c: char| !c.is_alphanumeric()).collect();
        let records = |action: &str| (action.to_owned(), Some("RecordsTable"));
        match name {
            "record" if parts.contains("put") => drop(found.insert(records("dynamodb:PutItem"))),
            "ledger" | "objects" | "records" => {
                let (_, inner) = stores.iter().find(|(known, _)| known == name).unwrap();
                add(found, inner, stores);
            }
            _ => {}
        }
        if name == "record" && parts.contains("end") {
            found.insert(records("dynamodb:Query"));
        }
    }
}

/// Which table a call is about: the first one that is named after it, or else the last one before it.
fn table(text: &str, at: usize) -> &'static str {
    let (before, after) = text.split_at(at);
    let after = &after[..after.find(".send()").unwrap_or(after.len())];
    let named = after.split_once("table_name(").map(|(_, rest)| rest.split(')').next().unwrap());
    let records = match named {
        Some(argument) => argument.contains("records"),
        None => before.rfind("self.records") > before.rfind("self.state"),
    };
    if records { "RecordsTable" } else { "StateTable" }
}
