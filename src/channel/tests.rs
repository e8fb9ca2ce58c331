use domain::policy::{CatchAll, Email, Ntfy, Opsgenie, Providers, Region, Slack, Twilio};
use serde_json::json;

use super::fixture::{Aws, Told};
use super::*;
use crate::outgoing::scripted::{Answer, Server};

fn policy() -> Policy {
    let reference = |name: &str| SecretRef(format!("ssm:/watchkeeper/{name}"));
    let slack = Slack { bot_token: reference("bot"), signing_secret: reference("signing") };
    let catch_all = CatchAll { escalation: "all".to_owned() };
    let mut policy: Policy =
        serde_json::from_value(json!({ "version": 1, "catch_all": catch_all })).expect("a small policy");
    policy.providers = Providers {
        slack: Some(slack),
        email: Some(Email { from: "watchkeeper@example.com".to_owned() }),
        twilio: Some(Twilio {
            account_sid: "AC0123456789abcdef0123456789abcdef".to_owned(),
            auth_token: reference("twilio"),
            from: "+15550199".to_owned(),
        }),
        opsgenie: Some(Opsgenie { api_key: reference("opsgenie"), region: Region::Us }),
        ntfy: None,
    };
    policy
}

/// The secrets of the policy: each is valid, unless its name says that it cannot be read.
async fn secret(reference: &SecretRef) -> Result<Arc<[Secret]>, String> {
    match reference.parameter() {
        Some("/watchkeeper/locked") => Err("access was denied".to_owned()),
        Some("/watchkeeper/empty") => Ok(Arc::from([])),
        Some("/watchkeeper/bot") => Ok(Arc::from([Secret::new("xoxb-1")])),
        _ => Ok(Arc::from([Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")])),
    }
}

fn channels(server: &Server, aws: &Aws) -> Channels {
    let base = format!("http://{}", server.address);
    let bases = Bases { slack: base.clone(), pagerduty: base.clone(), opsgenie: Some(base.clone()), twilio: base };
    Channels::new(server.client(2000), bases, aws.email(), aws.sms())
}

fn webhook(server: &Server, secret: &str) -> Address {
    let secret = SecretRef(format!("ssm:/watchkeeper/{secret}"));
    Address::Webhook { url: format!("http://{}/", server.address), secret }
}

#[tokio::test]
async fn each_address_is_told_by_its_own_channel() {
    let slack = r#"{"ok":true,"channel":"C1","ts":"1.2"}"#;
    let server = Server::start([Answer::Whole("200 OK", String::new()), Answer::Whole("200 OK", slack.to_owned())]);
    let email = Aws::answers(200, "", r#"{"MessageId":"m-1"}"#);
    let sms = Aws::answers(
        200,
        "",
        "<PublishResponse><PublishResult><MessageId>s-1</MessageId></PublishResult></PublishResponse>",
    );
    let table = [
        (webhook(&server, "hook"), &email, "0123456789abcdef0123-1-1-ana-0"),
        (Address::Slack("C1".to_owned()), &email, "C1:1.2"),
        (Address::Email("ana@example.com".to_owned()), &email, "m-1"),
        (Address::Sms("+15550100".to_owned()), &sms, "s-1"),
    ];
    for (address, aws, reference) in table {
        let told = Told { address, ..Told::new() };
        let outcome = channels(&server, aws).send(&policy(), &secret, &told.message()).await;
        assert_eq!(outcome, Outcome::Accepted { reference: Some(reference.to_owned()) }, "{}", told.address.channel());
    }
    assert_eq!(email.bodies().len(), 1);
    let sent = sms.bodies().remove(0);
    assert!(sent.contains("PhoneNumber=%2B15550100"), "{sent}");
    assert!(sent.contains("Transactional"), "{sent}");
}

/// An address of every channel that speaks HTTP to `server`, with the policy that it needs.
fn every_channel(server: &Server) -> (Policy, Vec<Address>) {
    let mut policy = policy();
    policy.providers.ntfy = Some(Ntfy { url: format!("http://{}", server.address), token: None });
    let secret = |name: &str| SecretRef(format!("ssm:/watchkeeper/{name}"));
    let addresses = vec![
        webhook(server, "hook"),
        Address::Slack("C1".to_owned()),
        Address::Teams(SecretRef(format!("ssm:http://{}/teams", server.address))),
        Address::TwilioSms("+15550100".to_owned()),
        Address::Voice("+15550100".to_owned()),
        Address::Ntfy("ana".to_owned()),
        Address::Pagerduty(secret("routing-key")),
        Address::Opsgenie("Platform".to_owned()),
    ];
    (policy, addresses)
}

/// What each of those channels makes of one answer.
async fn outcomes(head: &'static str) -> Vec<(&'static str, Outcome)> {
    let answers = || (0..8).map(|_| Answer::Whole(head, String::new()));
    let server = Server::start(answers());
    let aws = Aws::answers(200, "", "{}");
    let (policy, addresses) = every_channel(&server);
    let secrets = async |reference: &SecretRef| match reference.0.strip_prefix("ssm:http") {
        Some(rest) => Ok(Arc::from([Secret::new(&format!("http{rest}"))])),
        None => secret(reference).await,
    };
    let mut outcomes = Vec::new();
    for address in addresses {
        let told = Told { address, ..Told::new() };
        let outcome = channels(&server, &aws).send(&policy, &secrets, &told.message()).await;
        outcomes.push((told.address.channel(), outcome));
    }
    assert_eq!(server.seen().len(), 8, "each asked once, and none twice");
    outcomes
}

#[tokio::test]
async fn j03_j11_what_a_provider_refuses_for_good_is_rejected_by_every_channel() {
    for head in ["400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "410 Gone"] {
        for (channel, outcome) in outcomes(head).await {
            assert!(matches!(outcome, Outcome::Rejected { .. }), "{channel} {head}: {outcome:?}");
        }
    }
}

#[tokio::test]
async fn j01_j02_j05_what_may_pass_is_tried_again_by_every_channel_when_the_provider_says() {
    for (head, asked) in [
        ("408 Request Timeout", None),
        ("429 Too Many Requests\r\nretry-after: 9", Some(9)),
        ("500 Oops", None),
        ("503 Busy\r\nretry-after: 30", Some(30)),
    ] {
        for (channel, outcome) in outcomes(head).await {
            let Outcome::Failed { retry_after, .. } = outcome else { panic!("{channel} {head}: {outcome:?}") };
            assert_eq!(retry_after, asked, "{channel} {head}");
        }
    }
}

#[tokio::test]
async fn a_notice_goes_by_each_channel_and_says_who_when_and_why_without_an_incident() {
    let slack = r#"{"ok":true,"channel":"C1","ts":"1.2"}"#;
    let server = Server::start([Answer::Whole("200 OK", String::new()), Answer::Whole("200 OK", slack.to_owned())]);
    let email = Aws::answers(200, "", r#"{"MessageId":"m-1"}"#);
    let sms = Aws::answers(
        200,
        "",
        "<PublishResponse><PublishResult><MessageId>s-1</MessageId></PublishResult></PublishResponse>",
    );
    let addresses = [
        (webhook(&server, "hook"), &email),
        (Address::Slack("C1".to_owned()), &email),
        (Address::Email("ana@example.com".to_owned()), &email),
        (Address::Sms("+15550100".to_owned()), &sms),
    ];
    for (address, aws) in addresses {
        let text = "The silence {a=\"<b>\"} ends";
        let now = Told::new().message().now;
        let notice = Notice { id: "n-1", address: &address, person: "Ana", subject: "A silence ends", text, now };
        let outcome = channels(&server, aws).notify(&policy(), &secret, &notice).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{}: {outcome:?}", address.channel());
    }
    let seen = server.seen();
    assert_eq!((seen[0].header("webhook-id"), &seen[0].json()["type"]), ("n-1", &json!("notice")));
    assert_eq!(seen[1].json(), json!({"channel": "C1", "text": "The silence {a=\"&lt;b&gt;\"} ends"}));
    assert!(email.bodies()[0].contains("A silence ends"));
    assert!(sms.bodies()[0].contains("The%20silence"));
}

#[tokio::test]
async fn a_notice_by_push_card_or_text_neither_rings_like_a_page_nor_asks_for_an_answer() {
    let server = Server::start((0..3).map(|_| Answer::Whole("200 OK", r#"{"sid":"SM1"}"#.to_owned())));
    let aws = Aws::answers(200, "", "{}");
    let (policy, _) = every_channel(&server);
    let card = SecretRef("ssm:/watchkeeper/teams".to_owned());
    let secrets = async |reference: &SecretRef| match reference.parameter() {
        Some("/watchkeeper/teams") => Ok(Arc::from([Secret::new(&format!("http://{}/teams", server.address))])),
        _ => secret(reference).await,
    };
    let text = "Nobody is on call for **db** ".repeat(100);
    let now = Told::new().message().now;
    for address in [Address::Ntfy("ana".to_owned()), Address::Teams(card), Address::TwilioSms("+15550100".to_owned())] {
        let notice = Notice { id: "n-1", address: &address, person: "Ana", subject: "A gap", text: &text, now };
        let outcome = channels(&server, &aws).notify(&policy, &secrets, &notice).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{}: {outcome:?}", address.channel());
    }
    let seen = server.seen();
    let push = seen[0].json();
    assert_eq!((&push["title"], &push["priority"]), (&json!("A gap"), &json!(3)));
    assert!(push["message"].as_str().expect("text").len() < 4096 && push.get("actions").is_none(), "{push}");
    let card = &seen[1].json()["attachments"][0]["content"];
    let run = &card["body"][1]["inlines"][0];
    assert!(run["type"] == "TextRun" && run["text"].as_str().expect("text").starts_with("Ana, Nobody"), "{card}");
    assert!(card.get("actions").is_none(), "{card}");
    let form = crate::form::fields(&seen[2].body).expect("a form");
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.chars().count());
    assert_eq!((field("Body"), field("StatusCallback")), (Some(300), None), "{form:?}");
}

#[tokio::test]
async fn a_way_that_takes_no_notices_says_so_and_is_not_used() {
    let server = Server::start([]);
    let aws = Aws::answers(200, "", "{}");
    let (policy, addresses) = every_channel(&server);
    let silent =
        |address: &Address| matches!(address, Address::Voice(_) | Address::Pagerduty(_) | Address::Opsgenie(_));
    for address in addresses.into_iter().filter(silent) {
        let now = Told::new().message().now;
        let notice = Notice { id: "n-1", address: &address, person: "Ana", subject: "A gap", text: "x", now };
        let outcome = channels(&server, &aws).notify(&policy, &secret, &notice).await;
        assert_eq!(outcome, rejected("the channel takes no notices"), "{}", address.channel());
    }
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn what_is_missing_is_an_outcome_and_nothing_is_sent() {
    let server = Server::start([Answer::Whole("200 OK", String::new())]);
    let aws = Aws::answers(200, "", "{}");
    let bare = Policy { providers: Providers::default(), ..policy() };
    let table = [
        (&bare, Address::Slack("C1".to_owned()), rejected("the policy names no Slack app")),
        (&bare, Address::Email("ana@example.com".to_owned()), rejected("the policy names no sender of e-mail")),
        (&bare, Address::Voice("+15550100".to_owned()), rejected("the policy names no Twilio account")),
        (&bare, Address::Opsgenie("Platform".to_owned()), rejected("the policy names no Opsgenie")),
        (&policy(), Address::Pagerduty(SecretRef("ssm:/watchkeeper/empty".to_owned())), failed("its secret is empty")),
        (&policy(), Address::Email("ana".to_owned()), rejected("that is no e-mail address")),
        (&policy(), Address::Sms("110".to_owned()), rejected("that is no phone number in E.164")),
        (&policy(), webhook(&server, "empty"), failed("its secret is empty")),
        (&policy(), webhook(&server, "locked"), failed("its secret could not be read: access was denied")),
    ];
    for (policy, address, outcome) in table {
        let told = Told { address, ..Told::new() };
        assert_eq!(channels(&server, &aws).send(policy, &secret, &told.message()).await, outcome);
    }
    assert_eq!((server.seen().len(), aws.bodies().len()), (0, 0));
}

#[tokio::test]
async fn an_update_is_shown_or_nothing_at_all() {
    let slack = |body: &str| Answer::Whole("200 OK", body.to_owned());
    let server = Server::start([
        slack(r#"{"ok":true,"channel":"C1","ts":"1.2"}"#),
        slack(r#"{"ok":false,"error":"message_not_found"}"#),
        Answer::Whole("500 Oops", String::new()),
    ]);
    let aws = Aws::answers(200, "", "{}");
    let channels = channels(&server, &aws);
    let mut told = Told::new();
    fixture::acknowledge(&mut told.incident);
    let shown = Some(Outcome::Shown { status: told.incident.status });
    assert_eq!(channels.update(&policy(), &secret, &told.message(), "C1:1.2").await, shown);
    assert_eq!(channels.update(&policy(), &secret, &told.message(), "C1:1.2").await, None);
    assert_eq!(channels.update(&policy(), &secret, &told.message(), "C1:1.2").await, None);
    told.address = Address::Sms("+15550100".to_owned());
    assert_eq!(channels.update(&policy(), &secret, &told.message(), "s-1").await, None);
    assert_eq!(aws.bodies().len(), 0);
}

#[tokio::test]
async fn each_answer_of_aws_has_its_outcome_and_no_address_in_it() {
    let sms = |code: &str| {
        format!("<ErrorResponse><Error><Code>{code}</Code><Message>+15550100</Message></Error></ErrorResponse>")
    };
    let mail = r#"{"message":"ana@example.com is not verified"}"#.to_owned();
    let (to_phone, to_mail) = (Address::Sms("+15550100".to_owned()), Address::Email("ana@example.com".to_owned()));
    let table = [
        (&to_mail, 400, "MessageRejected", mail.clone(), rejected("AWS answered MessageRejected")),
        (&to_mail, 404, "NotFoundException", mail.clone(), rejected("AWS answered NotFoundException")),
        (
            &to_mail,
            400,
            "MailFromDomainNotVerifiedException",
            mail.clone(),
            rejected("AWS answered MailFromDomainNotVerifiedException"),
        ),
        (&to_mail, 429, "TooManyRequestsException", mail.clone(), failed("AWS answered TooManyRequestsException")),
        (&to_mail, 400, "LimitExceededException", mail.clone(), failed("AWS answered LimitExceededException")),
        (&to_mail, 403, "AccessDeniedException", mail.clone(), rejected("AWS answered AccessDeniedException")),
        (&to_mail, 500, "InternalFailure", mail, failed("AWS answered InternalFailure")),
        (&to_phone, 400, "", sms("InvalidParameter"), rejected("AWS answered InvalidParameter")),
        (&to_phone, 400, "", sms("OptedOut"), rejected("AWS answered OptedOut")),
        (&to_phone, 429, "", sms("Throttled"), failed("AWS answered Throttled")),
        (&to_phone, 400, "", sms("Throttling"), failed("AWS answered Throttling")),
        (&to_phone, 500, "", sms("InternalError"), failed("AWS answered InternalError")),
        (&to_phone, 503, "", "gone".to_owned(), failed("AWS answered an error without a code")),
    ];
    let server = Server::start([]);
    for (address, status, code, body, outcome) in table {
        let aws = Aws::answers(status, code, &body);
        let told = Told { address: address.clone(), ..Told::new() };
        let told = channels(&server, &aws).send(&policy(), &secret, &told.message()).await;
        assert_eq!(told, outcome, "{status} {code} {body}");
    }
}
