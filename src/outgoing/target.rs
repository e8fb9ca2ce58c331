//! What a URL that somebody gave us may reach: https, and public addresses only.
//!
//! A URL is judged twice: as it is written, and by the addresses its host leads to. The client connects to those very
//! addresses, so a name that changes its mind in between gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::Uri;
use http::uri::Scheme;
use ipnet::{Ipv4Net, Ipv6Net};

/// Why a URL is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read in one way only.
    #[error("the URL is not plain enough to be followed")]
    Malformed,
    /// It carries a user name or password, which makes the host look like another.
    #[error("the URL carries a user name")]
    User,
    /// It is not encrypted, and its host and port are not on the operator's list.
    #[error("only https is followed")]
    NotHttps,
    /// It leads into a network that is not public.
    #[error("the host has no public address")]
    NotPublic,
}

/// A URL that may be followed, as far as its text tells.
#[derive(Debug)]
pub(super) struct Target {
    /// The URL.
    pub(super) uri: Uri,
    /// The host without brackets.
    pub(super) host: String,
    /// The port, by its scheme where the URL names none.
    pub(super) port: u16,
    /// Whether it is spoken to in TLS.
    pub(super) encrypted: bool,
    /// The operator listed exactly this host and port, so it may be private and plain.
    listed: bool,
}

impl Target {
    /// Judges `url` as it is written; `allow` holds the operator's `host:port` pairs.
    pub(super) fn parse(url: &str, allow: &[String]) -> Result<Self, Refusal> {
        let uri: Uri = url.parse().map_err(|_| Refusal::Malformed)?;
        let authority = uri.authority().ok_or(Refusal::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(Refusal::User);
        }
        let encrypted = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(Refusal::NotHttps),
        };
        let host = uri.host().ok_or(Refusal::Malformed)?.to_ascii_lowercase();
        let default = if encrypted { 443 } else { 80 };
        let port = match authority.as_str().strip_prefix(uri.host().unwrap_or_default()) {
            Some("") => default,
            Some(_) => uri.port_u16().filter(|port| *port != 0).ok_or(Refusal::Malformed)?,
            None => return Err(Refusal::Malformed),
        };
        let listed = allow.contains(&format!("{host}:{port}"));
        if !encrypted && !listed {
            return Err(Refusal::NotHttps);
        }
        let host = readable(&host)?.to_owned();
        let target = Self { uri, host, port, encrypted, listed };
        // A literal address needs no resolver, so it is judged at once.
        match target.literal() {
            Some(address) if !target.listed && !is_public(address) => Err(Refusal::NotPublic),
            _ => Ok(target),
        }
    }

    /// The address, if the URL names one instead of a host.
    pub(super) fn literal(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Those of the addresses found for the host that may be connected to.
    pub(super) fn permitted(&self, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, Refusal> {
        let permitted: Vec<_> = found.filter(|address| self.listed || is_public(address.ip())).collect();
        if permitted.is_empty() { Err(Refusal::NotPublic) } else { Ok(permitted) }
    }
}

/// The host without brackets, if everybody reads it in the same way.
///
/// Resolvers take `0x7f000001`, `2130706433`, `127.1` and `0177.0.0.1` for addresses; whatever ends in a number must
/// be an address in its one usual form.
fn readable(host: &str) -> Result<&str, Refusal> {
    if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<Ipv6Addr>().map(|_| inner).map_err(|_| Refusal::Malformed);
    }
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let number = hex || last.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || (number && host.parse::<Ipv4Addr>().is_err()) {
        return Err(Refusal::Malformed);
    }
    Ok(host)
}

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6(a: u16, b: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), length)
}

/// IANA's special-purpose IPv4 blocks that are not reachable from everywhere, with multicast and what is reserved.
/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
const SPECIAL_V4: [Ipv4Net; 15] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// The one IPv6 block that is routed publicly. Outside it are loopback, mapped and translated IPv4, local and multicast.
/// <https://www.iana.org/assignments/ipv6-address-space>
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 3);

/// What is special inside it: protocol assignments with Teredo, documentation, 6to4.
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>
const SPECIAL_V6: [Ipv6Net; 4] = [v6(0x2001, 0, 23), v6(0x2001, 0xdb8, 32), v6(0x2002, 0, 16), v6(0x3fff, 0, 20)];

/// Whether `address` belongs to the public Internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|block| block.contains(&address)),
        IpAddr::V6(address) => GLOBAL_V6.contains(&address) && !SPECIAL_V6.iter().any(|block| block.contains(&address)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j07_a_url_that_could_lead_inside_is_refused_as_it_is_written() {
        use Refusal::{Malformed, NotHttps, NotPublic, User};
        let table = [
            ("https://127.0.0.1/", NotPublic),
            ("https://[::1]/", NotPublic),
            ("https://[::]/", NotPublic),
            ("https://[::ffff:169.254.169.254]/", NotPublic),
            ("https://[::ffff:a9fe:a9fe]/", NotPublic),
            ("https://[64:ff9b::a9fe:a9fe]/", NotPublic),
            ("https://[fd00:ec2::254]/", NotPublic),
            ("https://[fe80::1]/", NotPublic),
            ("https://[ff02::1]/", NotPublic),
            ("https://[2002:7f00:1::]/", NotPublic),
            ("https://[2001:db8::1]/", NotPublic),
            ("https://[fe80::1%25eth0]/", Malformed),
            ("https://169.254.169.254/latest/meta-data", NotPublic),
            ("https://10.0.0.1/", NotPublic),
            ("https://172.31.255.255/", NotPublic),
            ("https://192.168.1.1:8443/", NotPublic),
            ("https://100.64.0.1/", NotPublic),
            ("https://0.0.0.0/", NotPublic),
            ("https://224.0.0.1/", NotPublic),
            ("https://255.255.255.255/", NotPublic),
            ("https://192.0.2.1/", NotPublic),
            ("https://0x7f000001/", Malformed),
            ("https://0x7f.0.0.1/", Malformed),
            ("https://2130706433/", Malformed),
            ("https://127.1/", Malformed),
            ("https://0177.0.0.1/", Malformed),
            ("https://127.0.0.1./", Malformed),
            ("https://hooks.example.com@127.0.0.1/", User),
            ("https://user:password@hooks.example.com/", User),
            ("https://hooks.example.com\\@127.0.0.1/", Malformed),
            ("https://ⓔxample.com/", Malformed),
            ("https://127。0。0。1/", Malformed),
            ("https://hooks%2eexample.com/", Malformed),
            ("https://hooks.example.com:0/", Malformed),
            ("https://hooks.example.com:99999/", Malformed),
            ("https://hooks.example.com:/", Malformed),
            ("http://hooks.example.com/", NotHttps),
            ("ftp://hooks.example.com/", NotHttps),
            ("file:///etc/passwd", Malformed),
            ("gopher://127.0.0.1:25/", NotHttps),
            ("//hooks.example.com/", Malformed),
            ("/hook", Malformed),
            ("https://", Malformed),
            ("https:///path", Malformed),
            ("", Malformed),
            ("https://hooks.example.com/ a", Malformed),
            ("https://hooks.example.com/\r\nX: y", Malformed),
        ];
        for (url, why) in table {
            assert_eq!(Target::parse(url, &[]).map(|target| target.host), Err(why), "{url}");
        }
    }

    #[test]
    fn an_ordinary_url_is_followed() {
        let table = [
            ("https://hooks.example.com/a?b=c", "hooks.example.com", 443),
            ("https://HOOKS.example.com:8443/", "hooks.example.com", 8443),
            ("https://xn--xample-9ua.com/", "xn--xample-9ua.com", 443),
            ("https://93.184.216.34/", "93.184.216.34", 443),
            ("https://[2606:2800:220:1::]/", "2606:2800:220:1::", 443),
            ("https://3com.example/", "3com.example", 443),
            ("https://hooks.example.com#@127.0.0.1:1@/", "hooks.example.com", 443),
        ];
        for (url, host, port) in table {
            let target = Target::parse(url, &[]).expect(url);
            assert_eq!((target.host.as_str(), target.port), (host, port));
        }
    }

    #[test]
    fn j07_a_name_that_leads_inside_is_refused_when_it_is_looked_up() {
        let target = Target::parse("https://metadata.example.com/", &[]).expect("a URL");
        for inside in
            ["169.254.169.254:443", "10.1.2.3:443", "[::1]:443", "[::ffff:127.0.0.1]:443", "[fd00:ec2::254]:443"]
        {
            let found = [inside.parse().expect("an address")];
            assert_eq!(target.permitted(found.into_iter()), Err(Refusal::NotPublic), "{inside}");
        }
        assert_eq!(target.permitted(std::iter::empty()), Err(Refusal::NotPublic));
    }

    #[test]
    fn of_mixed_addresses_only_the_public_ones_are_used() {
        let target = Target::parse("https://hooks.example.com/", &[]).expect("a URL");
        let found = ["10.0.0.1:443", "93.184.216.34:443"].map(|text| text.parse().expect("an address"));
        assert_eq!(target.permitted(found.into_iter()), Ok(vec![found[1]]));
    }

    #[test]
    fn the_operators_list_frees_exactly_one_host_and_port() {
        let allow = ["127.0.0.1:9099".to_owned(), "phone.internal:80".to_owned()];
        assert!(Target::parse("http://127.0.0.1:9099/page", &allow).is_ok());
        assert!(Target::parse("http://phone.internal/page", &allow).is_ok());
        for other in [
            "http://127.0.0.1:9098/",
            "http://127.0.0.2:9099/",
            "http://localhost:9099/",
            "http://127.0.0.1:9099@10.0.0.1/",
            "http://phone.internal:8080/",
            "http://phone.internal./",
        ] {
            assert!(Target::parse(other, &allow).is_err(), "{other}");
        }
    }
}
