use super::*;
use crate::channel::fixture::{self, Told};
use crate::outgoing::scripted::{Answer, Server};

fn answer(head: &'static str, body: &str) -> Server {
    Server::start([Answer::Whole(head, body.to_owned())])
}

async fn tell(server: &Server) -> Outcome {
    let (outgoing, api, token) = (server.client(2000), format!("http://{}/api", server.address), Secret::new("xoxb-1"));
    Slack { outgoing: &outgoing, api: &api, token: &token, channel: "U1" }.send(&Told::new().message()).await
}

#[tokio::test]
async fn a_posted_message_can_be_found_again() {
    let server = answer("200 OK", r#"{"ok":true,"channel":"D9","ts":"1763726400.000100","message":{}}"#);
    assert_eq!(tell(&server).await, Outcome::Accepted { reference: Some("D9:1763726400.000100".to_owned()) });
    let seen = server.seen();
    assert_eq!(seen[0].line, "POST /api/chat.postMessage HTTP/1.1");
    assert_eq!(seen[0].header("authorization"), "Bearer xoxb-1");
    assert_eq!(seen[0].header("content-type"), "application/json; charset=utf-8");
    assert_eq!(seen[0].json()["channel"], "U1");
}

#[tokio::test]
async fn an_answered_message_is_changed_where_it_stands() {
    let server = answer("200 OK", r#"{"ok":true,"channel":"D9","ts":"1.2","text":"x"}"#);
    let (outgoing, api, token) = (server.client(2000), format!("http://{}/api", server.address), Secret::new("xoxb-1"));
    let mut told = Told::new();
    fixture::resolve(&mut told.incident);
    let slack = Slack { outgoing: &outgoing, api: &api, token: &token, channel: "U1" };
    let shown = slack.update(&told.message(), "D9:1.2").await;
    assert_eq!(shown, Some(Outcome::Shown { status: domain::incident::Status::Resolved }));
    let seen = server.seen();
    assert_eq!(seen[0].line, "POST /api/chat.update HTTP/1.1");
    assert_eq!((&seen[0].json()["channel"], &seen[0].json()["ts"]), (&"D9".into(), &"1.2".into()));
    assert_eq!(slack.update(&told.message(), "not a reference").await, None);
}

#[tokio::test]
async fn each_of_slacks_answers_has_its_outcome() {
    let later = |reason: &str, retry_after| Outcome::Failed { reason: reason.to_owned(), retry_after };
    let table = [
        ("200 OK", r#"{"ok":false,"error":"channel_not_found"}"#, rejected("Slack answered channel_not_found")),
        ("200 OK", r#"{"ok":false,"error":"not_in_channel"}"#, rejected("Slack answered not_in_channel")),
        ("200 OK", r#"{"ok":false,"error":"is_archived"}"#, rejected("Slack answered is_archived")),
        ("200 OK", r#"{"ok":false,"error":"invalid_auth"}"#, rejected("Slack answered invalid_auth")),
        ("200 OK", r#"{"ok":false,"error":"token_revoked"}"#, rejected("Slack answered token_revoked")),
        ("200 OK", r#"{"ok":false,"error":"account_inactive"}"#, rejected("Slack answered account_inactive")),
        (
            "200 OK\r\nretry-after: 3",
            r#"{"ok":false,"error":"ratelimited"}"#,
            later("Slack answered ratelimited", Some(3)),
        ),
        ("200 OK", r#"{"ok":false,"error":"internal_error"}"#, later("Slack answered internal_error", None)),
        ("200 OK", r#"{"ok":false,"error":"new\n<b>"}"#, later("Slack answered newb", None)),
        ("200 OK", "<html>", later("Slack answered something that is not Slack's", None)),
        (
            "429 Too Many Requests\r\nretry-after: 30",
            r#"{"ok":false,"error":"ratelimited"}"#,
            later("answered 429", Some(30)),
        ),
        ("503 Unavailable", "", later("answered 503", None)),
        ("403 Forbidden", "", rejected("answered 403")),
    ];
    for (head, body, outcome) in table {
        assert_eq!(tell(&answer(head, body)).await, outcome, "{head} {body}");
    }
}

#[tokio::test]
async fn an_answer_that_never_ends_is_no_answer() {
    let server = Server::start([Answer::Endless]);
    let outcome = tell(&server).await;
    let Outcome::Failed { reason, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(reason, "127.0.0.1 answered more than 64 KB");
}
