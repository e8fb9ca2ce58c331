//! The links in messages: each names one delivery of one incident, and nobody can make one but us.
//!
//! A link is no login. Whoever holds it may see the incident and answer it, and is recorded as the link's holder.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::incident::IncidentId;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::secret::Secret;

/// How much of the code is kept: 128 bits, so that a link fits into a text message.
const KEPT: usize = 16;
/// What of a delivery's name is written as `%XX`.
const ESCAPED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Makes links and reads them.
#[derive(Debug, Clone)]
pub struct Links {
    secrets: Vec<Secret>,
    base_url: String,
}

impl Links {
    /// Links below `base_url`, made with the first of `secrets` and read with any; `None` without a secret.
    pub fn new(secrets: Vec<Secret>, base_url: &str) -> Option<Self> {
        // An empty key would make links that everybody can make.
        let usable = !secrets.is_empty() && secrets.iter().all(|secret| !secret.expose().is_empty());
        usable.then(|| Self { secrets, base_url: base_url.trim_end_matches('/').to_owned() })
    }

    /// The link of `delivery`.
    pub fn url(&self, incident: &IncidentId, delivery: &str) -> String {
        let code = code(&self.secrets[0], incident, delivery).finalize().into_bytes();
        let code = URL_SAFE_NO_PAD.encode(&code[..KEPT]);
        let delivery = utf8_percent_encode(delivery, &ESCAPED);
        format!("{}/l/{incident}.{delivery}.{code}", self.base_url)
    }

    /// The number that a text message's reader answers with instead of the link, under each valid secret.
    pub fn reply_codes(&self, incident: &IncidentId, delivery: &str) -> impl Iterator<Item = String> {
        self.secrets.iter().map(move |secret| {
            let code = code(secret, incident, delivery).finalize().into_bytes();
            short(&URL_SAFE_NO_PAD.encode(&code[..KEPT]))
        })
    }

    /// The incident and the delivery that `token`, the part after `/l/`, was made for; `None` if we did not make it.
    pub fn parse(&self, token: &str) -> Option<(IncidentId, String)> {
        let (incident, rest) = token.split_once('.')?;
        let (delivery, presented) = rest.rsplit_once('.')?;
        let incident = IncidentId::parse(incident)?;
        let delivery = percent_decode_str(delivery).decode_utf8().ok()?.into_owned();
        let presented = URL_SAFE_NO_PAD.decode(presented).ok().filter(|code| code.len() == KEPT)?;
        let ours = |secret| code(secret, &incident, &delivery).verify_truncated_left(&presented).is_ok();
        // Every secret is tried, so that the time tells nothing about which one made it.
        let made_by_us = self.secrets.iter().fold(false, |found, secret| found | ours(secret));
        made_by_us.then_some((incident, delivery))
    }
}

/// The base and the token of a link that [`Links::url`] made; `None` for the base alone.
pub fn split(link: &str) -> Option<(&str, &str)> {
    link.rsplit_once("/l/")
}

/// The token as it stands in our URLs, whatever was decoded on the way here.
pub fn canonical(token: &str) -> Option<String> {
    let decoded = percent_decode_str(token).decode_utf8().ok()?;
    Some(utf8_percent_encode(&decoded, &ESCAPED).to_string())
}

/// The number of four digits that stands for a link in a text message.
pub fn reply_code(token: &str) -> Option<String> {
    token.rsplit_once('.').map(|(_, code)| short(code))
}

/// Four digits of a hash: enough to tell the few open incidents of one person apart, and no key to anything, as an
/// answer counts from their own number alone.
fn short(code: &str) -> String {
    let hash = Sha256::digest(code.as_bytes());
    format!("{:04}", u16::from_be_bytes([hash[0], hash[1]]) % 10_000)
}

fn code(secret: &Secret, incident: &IncidentId, delivery: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("a key of any length is a key");
    // The first line keeps a code from being one for anything else that this secret may come to sign.
    mac.update(format!("link\n{incident}\n{delivery}").as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(secrets: &[&str]) -> Links {
        let secrets = secrets.iter().map(|text| Secret::new(text)).collect();
        Links::new(secrets, "https://wk.example.com/").expect("a secret")
    }

    fn incident(generation: u32) -> IncidentId {
        IncidentId::parse(&format!("0123456789abcdef0123-{generation}")).expect("an id")
    }

    fn token(links: &Links, incident: &IncidentId, delivery: &str) -> String {
        let url = links.url(incident, delivery);
        url.strip_prefix("https://wk.example.com/l/").expect("below the base").to_owned()
    }

    #[test]
    fn a_link_leads_back_to_its_delivery() {
        let links = links(&["one"]);
        for delivery in ["1-ana-0", "12-ana.b-3", "1-zoë-0", "1-a b/c?d#e%41-0"] {
            let token = token(&links, &incident(2), delivery);
            assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.%".contains(&byte)), "{token}");
            assert_eq!(links.parse(&token), Some((incident(2), delivery.to_owned())));
        }
    }

    #[test]
    fn i05_l02_a_link_that_we_did_not_make_leads_nowhere() {
        let links = links(&["one"]);
        let good = token(&links, &incident(2), "1-ana-0");
        let (front, code) = good.rsplit_once('.').expect("a code");
        let forged = [
            good.replace("-2.", "-3."),
            good.replace("ana", "bob"),
            front.to_owned(),
            format!("{front}."),
            format!("{front}.{}", &code[..code.len() - 2]),
            format!("{front}.{code}AA"),
            format!("{front}.{}", "A".repeat(22)),
            format!("{}{code}", front.replace("1-ana-0", "")),
            good.to_uppercase(),
            token(&self::links(&["other"]), &incident(2), "1-ana-0"),
            token(&self::links(&["on"]), &incident(2), "1-ana-0"),
            String::new(),
            "..".to_owned(),
        ];
        for forged in forged {
            assert_eq!(links.parse(&forged), None, "{forged}");
        }
    }

    #[test]
    fn a_link_survives_one_change_of_the_secret() {
        let before = token(&links(&["old"]), &incident(1), "1-ana-0");
        assert!(links(&["new", "old"]).parse(&before).is_some());
        assert!(links(&["newer", "new"]).parse(&before).is_none());
        assert_eq!(token(&links(&["new", "old"]), &incident(1), "d"), token(&links(&["new"]), &incident(1), "d"));
    }

    #[test]
    fn a_link_has_one_code_and_survives_its_way_through_a_gateway() {
        let links = links(&["new", "old"]);
        for delivery in ["1-ana-0", "1-channel~ops-0", "1-zoë-0"] {
            let url = links.url(&incident(1), delivery);
            let (base, token) = split(&url).expect("a link");
            assert_eq!(base, "https://wk.example.com");
            let decoded = percent_decode_str(token).decode_utf8().expect("UTF-8").into_owned();
            assert_eq!(canonical(&decoded).as_deref(), Some(token));
            assert_eq!(canonical(token).as_deref(), Some(token));
            let codes: Vec<String> = links.reply_codes(&incident(1), delivery).collect();
            assert_eq!(codes.len(), 2);
            assert_eq!(reply_code(token), Some(codes[0].clone()));
            assert!(codes.iter().all(|code| code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit())));
        }
        assert_eq!(split("https://wk.example.com"), None);
    }

    #[test]
    fn without_a_secret_there_are_no_links() {
        assert!(Links::new(Vec::new(), "https://wk.example.com").is_none());
        assert!(Links::new(vec![Secret::new("")], "https://wk.example.com").is_none());
    }
}
