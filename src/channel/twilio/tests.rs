use super::*;
use crate::channel::fixture::Told;
use crate::form;
use crate::outgoing::scripted::{Answer, Server};

const SID: &str = "AC0123456789abcdef0123456789abcdef";

fn account() -> Twilio {
    let auth_token = domain::policy::SecretRef("ssm:/watchkeeper/twilio".to_owned());
    Twilio { account_sid: SID.to_owned(), auth_token, from: "+15550199".to_owned() }
}

async fn text(server: &Server) -> Outcome {
    let (outgoing, token, base, account) =
        (server.client(2000), Secret::new("t0ken"), format!("http://{}", server.address), account());
    let api = Api { outgoing: &outgoing, base: &base, account: &account, token: &token };
    Sms { api, to: "+15550100" }.send(&Told::new().message()).await
}

#[tokio::test]
async fn a_text_says_how_to_answer_and_where_its_fate_is_told() {
    let server = Server::start([Answer::Whole("201 Created", r#"{"sid":"SM1","status":"queued"}"#.to_owned())]);
    assert_eq!(text(&server).await, Outcome::Accepted { reference: Some("SM1".to_owned()) });
    let seen = server.seen();
    assert_eq!(seen[0].line, format!("POST /2010-04-01/Accounts/{SID}/Messages.json HTTP/1.1"));
    assert_eq!(seen[0].header("authorization"), format!("Basic {}", BASE64.encode(format!("{SID}:t0ken"))));
    insta::assert_debug_snapshot!(form::fields(&seen[0].body).expect("a form"));
}

#[tokio::test]
async fn a_call_carries_its_own_script_and_where_the_key_goes() {
    let server = Server::start([Answer::Whole("201 Created", r#"{"sid":"CA1","status":"queued"}"#.to_owned())]);
    let (outgoing, token, base, account) =
        (server.client(2000), Secret::new("t0ken"), format!("http://{}", server.address), account());
    let api = Api { outgoing: &outgoing, base: &base, account: &account, token: &token };
    let outcome = Voice { api, to: "+15550100" }.send(&Told::new().message()).await;
    assert_eq!(outcome, Outcome::Accepted { reference: Some("CA1".to_owned()) });
    let seen = server.seen();
    assert_eq!(seen[0].line, format!("POST /2010-04-01/Accounts/{SID}/Calls.json HTTP/1.1"));
    insta::assert_debug_snapshot!(form::fields(&seen[0].body).expect("a form"));
}

#[tokio::test]
async fn j03_each_answer_has_its_outcome_and_no_number_in_it() {
    let error = |code: u32| format!(r#"{{"code":{code},"message":"+15550100 is not valid","status":400}}"#);
    let failed = |reason: &str, retry_after| Outcome::Failed { reason: reason.to_owned(), retry_after };
    let table = [
        ("400 Bad Request", error(21211), rejected("Twilio answered error 21211")),
        ("400 Bad Request", error(21610), rejected("Twilio answered error 21610")),
        ("401 Unauthorized", error(20003), rejected("Twilio answered error 20003")),
        ("404 Not Found", String::new(), rejected("answered 404")),
        ("410 Gone", String::new(), rejected("answered 410")),
        ("429 Too Many Requests\r\nretry-after: 9", error(20429), failed("Twilio answered error 20429", Some(9))),
        ("500 Oops", "<html>".to_owned(), failed("answered 500", None)),
        ("503 Busy", error(20503), failed("Twilio answered error 20503", None)),
        ("201 Created", "<html>".to_owned(), Outcome::Accepted { reference: None }),
    ];
    for (head, body, outcome) in table {
        let server = Server::start([Answer::Whole(head, body)]);
        assert_eq!(text(&server).await, outcome, "{head}");
    }
}
