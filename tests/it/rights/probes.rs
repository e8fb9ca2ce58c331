//! What can be asked of AWS in this account: one call for each right that somebody has or could want, on each resource.
//!
//! A call says nothing but its resource, so whoever may make it is told that it is no good call. What changes something
//! even so is only tried by those who may not.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use serde_json::{Value, json};

use super::Owner;
use crate::client::Client;
use crate::template::Template;

/// One call.
pub struct Probe {
    /// The right that it takes.
    pub action: String,
    /// What it is about: a resource of the template, or a part of one.
    pub on: String,
    /// Whether whoever may make it changes nothing by it.
    pub harmless: bool,
    service: &'static str,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// The prefixes of the services that are asked by a target and JSON.
const TARGETS: [(&str, &str); 7] = [
    ("dynamodb", "DynamoDB_20120810"),
    ("sqs", "AmazonSQS"),
    ("states", "AWSStepFunctions"),
    ("kms", "TrentService"),
    ("ssm", "AmazonSSM"),
    ("secretsmanager", "secretsmanager"),
    ("events", "AWSEvents"),
];
/// Rights by which nothing changes.
const READS: [&str; 9] =
    ["Get", "Query", "List", "Describe", "BatchGet", "Scan", "GetParameters", "GetPublicKey", "Head"];

impl Probe {
    fn new(action: &str, on: &str, method: &'static str, path: String, body: String) -> Self {
        let (service, name) = action.split_once(':').unwrap();
        let service = [
            "dynamodb",
            "sqs",
            "states",
            "kms",
            "ssm",
            "secretsmanager",
            "events",
            "s3",
            "lambda",
            "sns",
            "ses",
            "scheduler",
            "iam",
        ]
        .into_iter()
        .find(|known| *known == service)
        .unwrap();
        let harmless = READS.iter().any(|read| name.starts_with(read));
        let (action, on) = (action.to_owned(), on.to_owned());
        Self { action, on, harmless, service, method, path, headers: Vec::new(), body }
    }

    fn json(action: &str, on: &str, body: &Value) -> Self {
        let (service, name) = action.split_once(':').unwrap();
        let (_, prefix) = TARGETS.iter().find(|(known, _)| *known == service).unwrap();
        let headers =
            [("content-type", "application/x-amz-json-1.0".to_owned()), ("x-amz-target", format!("{prefix}.{name}"))];
        Self { headers: headers.into(), ..Self::new(action, on, "POST", "/".to_owned(), body.to_string()) }
    }

    fn form(action: &str, on: &str, fields: &str) -> Self {
        let (_, name) = action.split_once(':').unwrap();
        let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
        Self { headers, ..Self::new(action, on, "POST", "/".to_owned(), format!("Action={name}&{fields}")) }
    }

    /// Makes the call; whether IAM kept it from being made.
    pub fn is_denied(&self, client: &mut Client, endpoint: &str, credentials: &Credentials) -> bool {
        let mut headers = self.headers.clone();
        headers.extend(self.signature(endpoint, credentials));
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (status, answer) = client.ask(self.method, &self.path, &headers, &self.body);
        // Topics have a name of their own for it.
        status >= 400 && ["AccessDenied", "AuthorizationError"].iter().any(|name| answer.contains(name))
    }

    fn signature(&self, endpoint: &str, credentials: &Credentials) -> Vec<(&'static str, String)> {
        let identity: Identity = credentials.clone().into();
        let parameters = v4::SigningParams::builder().identity(&identity).region("us-east-1").name(self.service);
        let parameters =
            parameters.time(SystemTime::now()).settings(SigningSettings::default()).build().unwrap().into();
        let url = format!("{endpoint}{}", self.path);
        let headers = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let request =
            SignableRequest::new(self.method, &url, headers, SignableBody::Bytes(self.body.as_bytes())).unwrap();
        let (signed, _) = sign(request, &parameters).unwrap().into_parts();
        let signed: Vec<(String, String)> =
            signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let name = |name: &str| {
            ["authorization", "x-amz-date", "x-amz-security-token"].into_iter().find(|known| *known == name)
        };
        signed.into_iter().filter_map(|(known, value)| Some((name(&known)?, value))).collect()
    }
}

/// Every call.
pub fn all(owner: &Owner, template: &Template) -> Vec<Probe> {
    let mut probes = Vec::new();
    for table in ["RecordsTable", "StateTable"] {
        tables(&mut probes, table, &owner.physical(table));
    }
    for queue in template.ids("AWS::SQS::Queue") {
        let url = owner.physical(&queue);
        for name in [
            "SendMessage",
            "ReceiveMessage",
            "DeleteMessage",
            "ChangeMessageVisibility",
            "GetQueueAttributes",
            "PurgeQueue",
        ] {
            probes.push(Probe::json(&format!("sqs:{name}"), &queue, &json!({ "QueueUrl": url })));
        }
    }
    for function in template.ids("AWS::Serverless::Function") {
        let path = format!("/2015-03-31/functions/{}", owner.physical(&function));
        probes.push(Probe::new(
            "lambda:InvokeFunction",
            &function,
            "POST",
            format!("{path}/invocations"),
            String::new(),
        ));
        probes.push(Probe::new("lambda:UpdateFunctionCode", &function, "PUT", format!("{path}/code"), "{}".to_owned()));
    }
    for machine in template.ids("AWS::Serverless::StateMachine") {
        machines(&mut probes, &machine, &owner.physical(&machine));
    }
    buckets(&mut probes, owner);
    let key = json!({ "KeyId": owner.physical("EvidenceKey") });
    for name in ["Sign", "GetPublicKey", "DisableKey", "ScheduleKeyDeletion"] {
        probes.push(Probe::json(&format!("kms:{name}"), "EvidenceKey", &key));
    }
    elsewhere(&mut probes, owner);
    probes
}

fn tables(probes: &mut Vec<Probe>, id: &str, table: &str) {
    for name in ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "DeleteTable", "UpdateTable"] {
        probes.push(Probe::json(&format!("dynamodb:{name}"), id, &json!({ "TableName": table })));
    }
    for name in ["BatchGetItem", "BatchWriteItem"] {
        probes.push(Probe::json(&format!("dynamodb:{name}"), id, &json!({ "RequestItems": { table: [] } })));
    }
    if id == "StateTable" {
        let index = json!({ "TableName": table, "IndexName": "by-status" });
        probes.push(Probe::json("dynamodb:Query", "StateTable/index/by-status", &index));
    }
}

fn machines(probes: &mut Vec<Probe>, id: &str, arn: &str) {
    let execution = format!("{}:nobody", arn.replacen(":stateMachine:", ":execution:", 1));
    for (name, on, body) in [
        (
            "StartExecution",
            id.to_owned(),
            json!({ "stateMachineArn": arn, "name": "a name that is none", "input": "none" }),
        ),
        ("ListExecutions", id.to_owned(), json!({ "stateMachineArn": arn })),
        ("DeleteStateMachine", id.to_owned(), json!({ "stateMachineArn": arn })),
        ("DescribeExecution", format!("{id}/executions"), json!({ "executionArn": execution })),
        ("StopExecution", format!("{id}/executions"), json!({ "executionArn": execution })),
    ] {
        probes.push(Probe::json(&format!("states:{name}"), &on, &body));
    }
}

fn buckets(probes: &mut Vec<Probe>, owner: &Owner) {
    let folders: [(&str, &[&str]); 2] = [
        ("PolicyBucket", &["policies", "elsewhere"]),
        ("EvidenceBucket", &["archive", "checkpoints", "keys", "exports", "work", "elsewhere"]),
    ];
    for (id, folders) in folders {
        let bucket = owner.physical(id);
        let mut ask = |action: &str, on: &str, method, path: String| {
            probes.push(Probe::new(action, on, method, path, String::new()));
        };
        for folder in folders {
            let (on, path) = (format!("{id}/{folder}/*"), format!("/{bucket}/{folder}/nothing"));
            ask("s3:GetObject", &on, "GET", path.clone());
            ask("s3:PutObject", &on, "PUT", path.clone());
            ask("s3:DeleteObject", &on, "DELETE", path);
        }
        ask("s3:ListBucket", id, "GET", format!("/{bucket}?list-type=2"));
        ask("s3:GetBucketObjectLockConfiguration", id, "GET", format!("/{bucket}?object-lock="));
        ask("s3:PutBucketObjectLockConfiguration", id, "PUT", format!("/{bucket}?object-lock="));
        ask("s3:PutBucketPolicy", id, "PUT", format!("/{bucket}?policy="));
    }
}

/// What is no resource of the template, or is nobody's to ask for.
fn elsewhere(probes: &mut Vec<Probe>, owner: &Owner) {
    probes.push(Probe::json("ssm:GetParameters", "parameters", &json!({ "Names": ["/watchkeeper/tokens"] })));
    for name in ["PutParameter", "DeleteParameter"] {
        probes.push(Probe::json(&format!("ssm:{name}"), "parameters", &json!({ "Name": "/watchkeeper/tokens" })));
    }
    for name in ["GetSecretValue", "PutSecretValue"] {
        probes.push(Probe::json(&format!("secretsmanager:{name}"), "secrets", &json!({ "SecretId": "none" })));
    }
    probes.push(Probe::json("events:PutEvents", "bus", &json!({ "Entries": [{ "Source": "nobody" }] })));
    probes.push(Probe::form("sns:Publish", "telephones", "PhoneNumber=none"));
    let topic = owner.physical("AlarmsTopic").replace(':', "%3A");
    probes.push(Probe::form("sns:Publish", "AlarmsTopic", &format!("TopicArn={topic}")));
    let mail = Probe::new("ses:SendEmail", "mail", "POST", "/v2/email/outbound-emails".to_owned(), "{}".to_owned());
    probes.push(Probe { headers: vec![("content-type", "application/json".to_owned())], ..mail });
    probes.push(Probe::new(
        "scheduler:CreateSchedule",
        "schedules",
        "POST",
        "/schedules/nothing".to_owned(),
        "{}".to_owned(),
    ));
    for name in ["PutRolePolicy", "CreateAccessKey"] {
        probes.push(Probe::form(&format!("iam:{name}"), "people", "RoleName=nobody&UserName=nobody&PolicyName=none"));
    }
}
