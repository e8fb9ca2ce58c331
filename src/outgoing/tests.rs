use super::scripted::{Answer, Server};
use super::*;

const HEAD: &str = "200 OK";

async fn post(client: &Outgoing, url: &str) -> Result<Reply, Failure> {
    client.post(url, HeaderMap::new(), Bytes::from_static(b"{}")).await
}

#[tokio::test]
async fn a_listed_server_gets_the_request_and_its_answer_comes_back() {
    let server = Server::start([Answer::Whole(HEAD, "hello".to_owned())]);
    let reply = post(&server.client(5000), &format!("http://{}/hook?key=1", server.address)).await.expect("an answer");
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.body().await.expect("a body"), "hello");
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].line, "POST /hook?key=1 HTTP/1.1");
    assert_eq!(seen[0].header("host"), server.address);
    assert_eq!(seen[0].body, b"{}");
}

#[tokio::test]
async fn a_private_address_gets_no_connection_without_the_list() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let port = listener.local_addr().expect("an address").port();
    let client = Outgoing::new("");
    for url in [format!("https://127.0.0.1:{port}/"), format!("https://localhost:{port}/")] {
        let refused = post(&client, &url).await.err();
        assert!(matches!(refused, Some(Failure::Refused(Refusal::NotPublic))), "{url}: {refused:?}");
    }
    assert!(listener.accept().is_err(), "nobody connected");
}

#[tokio::test]
async fn j09_a_redirect_is_an_answer_and_is_not_followed() {
    let inside = Server::start([Answer::Whole(HEAD, String::new())]);
    let answer = format!("http://{}/secrets", inside.address);
    let head = String::leak(format!("302 Found\r\nlocation: {answer}"));
    let server = Server::start([Answer::Whole(head, String::new())]);
    let client = Outgoing::new(&format!("{},{}", server.address, inside.address));
    let reply = post(&client, &format!("http://{}/", server.address)).await.expect("an answer");
    assert_eq!(reply.status, StatusCode::FOUND);
    assert_eq!(inside.seen().len(), 0);
}

#[tokio::test]
async fn j10_an_endless_answer_is_cut() {
    let server = Server::start([Answer::Endless]);
    let reply = post(&server.client(5000), &format!("http://{}/", server.address)).await.expect("a head");
    assert!(matches!(reply.body().await, Err(Failure::TooLong { .. })));
}

#[tokio::test]
async fn j06_j10_whoever_stops_talking_is_given_up() {
    let server = Server::start([Answer::Stuck, Answer::Silent]);
    let client = server.client(100);
    let url = format!("http://{}/", server.address);
    let reply = post(&client, &url).await.expect("a head");
    assert!(matches!(reply.body().await, Err(Failure::TimedOut { .. })));
    assert!(matches!(post(&client, &url).await, Err(Failure::TimedOut { .. })));
}

#[tokio::test]
async fn an_https_url_is_spoken_to_in_tls_and_an_untrusted_server_is_no_answer() {
    let server = Server::start([Answer::Whole(HEAD, String::new())]);
    let failure = post(&server.client(2000), &format!("https://{}/", server.address)).await.err();
    assert!(failure.is_some(), "a server without TLS cannot answer");
    assert_eq!(server.seen().len(), 0, "nothing readable was sent");
}

#[tokio::test]
async fn j13_no_error_tells_the_path_of_a_url() {
    let dead = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
    let client = Outgoing::new(&dead.to_string());
    for url in
        [format!("http://{dead}/T0/hunter2?k=hunter2"), "https://10.0.0.1/hunter2".to_owned(), "hunter2".to_owned()]
    {
        let failure = post(&client, &url).await.err().expect("a failure");
        assert!(!format!("{failure} {failure:?}").contains("hunter2"), "{failure:?}");
    }
}

#[tokio::test]
async fn a_server_may_ask_for_patience_in_seconds_or_by_date() {
    let now: Timestamp = "2015-10-21T07:27:30Z".parse().expect("a time");
    let table = [
        ("retry-after: 7", Some(7)),
        ("retry-after: Wed, 21 Oct 2015 07:28:00 GMT", Some(30)),
        ("retry-after: Wed, 21 Oct 2015 07:00:00 GMT", Some(0)),
        ("retry-after: soon", None),
        ("x: y", None),
    ];
    for (header, seconds) in table {
        let server = Server::start([Answer::Whole(String::leak(format!("503 Busy\r\n{header}")), String::new())]);
        let reply = post(&server.client(5000), &format!("http://{}/", server.address)).await.expect("an answer");
        assert_eq!(reply.retry_after(now), seconds, "{header}");
    }
}
