//! What the functions of the real template may do, with IAM enforced: `make up` first.
//!
//! Nobody can take on a function's role but Lambda, so each test makes a role with the same rights and takes on that. What
//! the emulator does not enforce is checked on the template alone: the condition `dynamodb:LeadingKeys`, which keeps a
//! function from the streams of others; and which parameters and whose addresses somebody may use, as it asks for those
//! rights on everything (`local/rights.py`).

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, DeleteRequest, PutRequest, TransactWriteItem, Update, WriteRequest,
};

use crate::client;
use crate::cloud::Cloud;
use crate::template::{Template, files};

mod grants;
mod probes;

/// The stack that `make up` deploys.
const STACK: &str = "watchkeeper";
/// Who may take on the copies.
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::000000000000:root"}}]}"#;

/// The account's owner, who may do everything.
pub struct Owner(Cloud);

impl Owner {
    /// One call of a service that is asked by a form; what it answers, as XML.
    fn call(&self, service: &str, fields: &[(&str, &str)]) -> String {
        // Names and JSON: all that has a meaning in a form is written as `%XX`.
        let escaped = |text: &str| {
            text.bytes().fold(String::new(), |form, byte| match byte {
                b if b.is_ascii_alphanumeric() || b == b'%' => format!("{form}{}", b as char),
                b => format!("{form}%{b:02X}"),
            })
        };
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let credential = format!("Credential=test/20250101/us-east-1/{service}/aws4_request");
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", &format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0")),
        ];
        let mut client = client::Client::new(&self.0.env["AWS_ENDPOINT_URL"]);
        let (status, answer) = client.ask("POST", "/", &headers, &body.join("&"));
        assert_eq!(status, 200, "{service} {fields:?}: {answer}");
        answer
    }

    /// The name in the account of a resource of the template.
    fn physical(&self, id: &str) -> String {
        let fields = [("Action", "DescribeStackResource"), ("StackName", STACK), ("LogicalResourceId", id)];
        one(&self.call("cloudformation", &fields), "PhysicalResourceId")
    }

    /// The rights of `role`, in a role of their own that is taken on.
    fn take_on(&self, role: &str) -> Credentials {
        let copy = format!("copy-of-{role}");
        let listed = self.call("iam", &[("Action", "ListRolePolicies"), ("RoleName", role)]);
        let fields = [("RoleName", copy.as_str()), ("AssumeRolePolicyDocument", TRUST)];
        self.call("iam", &[("Action", "CreateRole"), fields[0], fields[1]]);
        for policy in all(&listed, "member") {
            let wanted = [("RoleName", role), ("PolicyName", policy.as_str())];
            let found = self.call("iam", &[("Action", "GetRolePolicy"), wanted[0], wanted[1]]);
            // It comes as it goes into a form.
            let document = one(&found, "PolicyDocument");
            let given = [wanted[1], ("PolicyDocument", document.as_str())];
            self.call("iam", &[("Action", "PutRolePolicy"), fields[0], given[0], given[1]]);
        }
        let arn = format!("arn:aws:iam::000000000000:role/{copy}");
        let taken = self.call("sts", &[("Action", "AssumeRole"), ("RoleArn", &arn), ("RoleSessionName", "test")]);
        let part = |name| one(&taken, name);
        Credentials::new(part("AccessKeyId"), part("SecretAccessKey"), Some(part("SessionToken")), None, "test")
    }

    /// The role of the function in a file, and the rights of it.
    fn become_function(&self, file: &str) -> (String, Credentials) {
        let (first, rest) = file.split_at(1);
        let role = self.physical(&format!("{}{rest}FunctionRole", first.to_uppercase()));
        self.leave(&role);
        let credentials = self.take_on(&role);
        (role, credentials)
    }

    /// Removes what [`Self::take_on`] made, whatever is left of it.
    fn leave(&self, role: &str) {
        let copy = format!("copy-of-{role}");
        let roles = self.call("iam", &[("Action", "ListRoles")]);
        if !all(&roles, "RoleName").contains(&copy) {
            return;
        }
        let listed = self.call("iam", &[("Action", "ListRolePolicies"), ("RoleName", &copy)]);
        for policy in all(&listed, "member") {
            self.call("iam", &[("Action", "DeleteRolePolicy"), ("RoleName", &copy), ("PolicyName", &policy)]);
        }
        self.call("iam", &[("Action", "DeleteRole"), ("RoleName", &copy)]);
    }
}

/// What each element `name` holds.
fn all(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap().to_owned()).collect()
}

fn one(xml: &str, name: &str) -> String {
    all(xml, name).into_iter().next().unwrap_or_else(|| panic!("no {name} in {xml}"))
}

/// Whether IAM kept a call from being made.
fn denied<T, E: ProvideErrorMetadata>(answer: &Result<T, SdkError<E>>) -> bool {
    let code = answer.as_ref().err().and_then(|error| error.as_service_error()?.code());
    code == Some("AccessDeniedException")
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// Tries to change the first record of `stream` in each way that DynamoDB has; the ways in which it was not denied.
async fn rewrites(client: &Client, table: &str, stream: &str) -> Vec<&'static str> {
    let (stream, seq) = (s(stream), AttributeValue::N("0".to_owned()));
    let update = client.update_item().table_name(table).key("stream", stream.clone()).key("seq", seq.clone());
    let update = update.update_expression("SET body = :b").expression_attribute_values(":b", s("rewritten"));
    let delete = client.delete_item().table_name(table).key("stream", stream.clone()).key("seq", seq.clone());
    let put = PutRequest::builder().item("stream", stream.clone()).item("seq", seq.clone()).item("body", s("x"));
    let put = WriteRequest::builder().put_request(put.build().unwrap()).build();
    let gone = DeleteRequest::builder().key("stream", stream.clone()).key("seq", seq.clone()).build().unwrap();
    let gone = WriteRequest::builder().delete_request(gone).build();
    let transact = |item: TransactWriteItem| client.transact_write_items().transact_items(item);
    let updated = Update::builder().table_name(table).key("stream", stream.clone()).key("seq", seq.clone());
    let updated = updated.update_expression("SET body = :b").expression_attribute_values(":b", s("rewritten"));
    let updated = TransactWriteItem::builder().update(updated.build().unwrap()).build();
    let deleted = Delete::builder().table_name(table).key("stream", stream).key("seq", seq).build().unwrap();
    let deleted = TransactWriteItem::builder().delete(deleted).build();
    let ways = [
        ("UpdateItem", denied(&update.send().await)),
        ("DeleteItem", denied(&delete.send().await)),
        ("BatchWriteItem, a put", denied(&client.batch_write_item().request_items(table, vec![put]).send().await)),
        ("BatchWriteItem, a delete", denied(&client.batch_write_item().request_items(table, vec![gone]).send().await)),
        ("TransactWriteItems, an update", denied(&transact(updated).send().await)),
        ("TransactWriteItems, a delete", denied(&transact(deleted).send().await)),
    ];
    ways.into_iter().filter(|(_, denied)| !denied).map(|(way, _)| way).collect()
}

#[test]
#[ignore = "needs the local stack: make up"]
fn l04_no_function_can_change_or_remove_a_record() {
    let owner = Owner(Cloud::new());
    let table = owner.physical("RecordsTable");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for name in files() {
        let (role, credentials) = owner.become_function(&name);
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials)
            .http_client(watchkeeper::aws::http_client().unwrap())
            .endpoint_url(&owner.0.env["AWS_ENDPOINT_URL"])
            .build();
        let client = Client::from_conf(config);
        let ways = runtime.block_on(rewrites(&client, &table, "incident#nobody"));
        assert!(ways.is_empty(), "{name} may rewrite the log by {ways:?}");
        owner.leave(&role);
    }
}

#[test]
#[ignore = "needs the local stack: make up"]
fn l04_everything_outside_its_job_is_denied_to_every_function() {
    let (owner, template) = (Owner(Cloud::new()), Template::read());
    let endpoint = owner.0.env["AWS_ENDPOINT_URL"].clone();
    let mut client = client::Client::new(&endpoint);
    let probes = probes::all(&owner, &template);
    let mut wrong = Vec::new();
    for name in files() {
        let (role, credentials) = owner.become_function(&name);
        let grants = grants::of(&template, &name);
        let mut let_through = 0;
        for probe in &probes {
            let granting = grants.iter().find(|grant| grant.covers(&probe.action, &probe.on));
            let tried = granting.is_none_or(|grant| probe.harmless && !grant.conditional);
            if !tried {
                continue;
            }
            if probe.is_denied(&mut client, &endpoint, &credentials) == granting.is_some() {
                wrong.push(format!("{name}: {} on {} is granted: {}", probe.action, probe.on, granting.is_some()));
            }
            let_through += usize::from(granting.is_some());
        }
        // That it is the rights that say no, and not the credentials.
        assert!(let_through > 0, "{name} may do nothing at all");
        owner.leave(&role);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    eprintln!("{} calls by {} functions", probes.len(), files().len());
}

#[test]
fn l04_no_function_is_granted_what_it_never_calls() {
    /// What Lambda itself does in a function's name: it reads where events come from, and keeps what failed.
    const BY_LAMBDA: [&str; 5] = ["FollowRecords", "FindStream", "GiveUpBatches", "OnFailure", "TakeSignals"];
    let template = Template::read();
    let mut needless = Vec::new();
    for name in files() {
        let calls = grants::calls(&name);
        for grant in grants::of(&template, &name) {
            let by_lambda = BY_LAMBDA.iter().any(|sid| grant.place.ends_with(&format!(": {sid}")));
            let table = ["RecordsTable", "StateTable"].into_iter().find(|table| grant.on.starts_with(table));
            let table = table.filter(|_| grant.action.starts_with("dynamodb:"));
            if !by_lambda && !calls.contains(&(grant.action.clone(), table)) {
                needless.push(format!("{}: {} on {}", grant.place, grant.action, grant.on));
            }
        }
    }
    assert!(needless.is_empty(), "{needless:#?}");
}
