//! Networks: from where the senders of an integration are heard.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::node::Node;
use super::read::{Read, Reader};

/// Every address whose first bits are those of one: `203.0.113.0/24`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// What is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write an address such as 203.0.113.7, or a network such as 203.0.113.0/24 or 2001:db8::/32")]
pub struct NoNetwork;

impl Network {
    /// Whether `address` is in it; an address of version 4 is the same when it is written as one of version 6.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let other = ours.to_bits() ^ theirs.to_bits();
                other.checked_shr(32 - u32::from(self.bits)).unwrap_or_default() == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let other = ours.to_bits() ^ theirs.to_bits();
                other.checked_shr(128 - u32::from(self.bits)).unwrap_or_default() == 0
            }
            _ => false,
        }
    }

    /// Whether every address of its version is in it.
    pub const fn is_everywhere(&self) -> bool {
        self.bits == 0
    }
}

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self { address, bits: bits_of(address) }
    }
}

const fn bits_of(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, bits) = text.trim().split_once('/').map_or((text.trim(), None), |(a, bits)| (a, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let most = bits_of(address);
        let bits = bits.map_or(Ok(most), str::parse).ok().filter(|bits| *bits <= most).ok_or(NoNetwork)?;
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.bits)
    }
}

impl TryFrom<String> for Network {
    type Error = NoNetwork;

    fn try_from(text: String) -> Result<Self, NoNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl Read for Network {
    fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        reader.parsed(node, path, "a network", |text| text.parse().map_err(|wrong: NoNetwork| wrong.to_string()))
    }

    fn blank() -> Self {
        Self::from(IpAddr::from([127, 0, 0, 1]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_in_a_network_when_its_first_bits_are() {
        let table = [
            ("203.0.113.0/24", "203.0.113.255", true),
            ("203.0.113.77/24", "203.0.113.1", true),
            ("203.0.113.0/24", "203.0.114.0", false),
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.8", false),
            ("203.0.113.7", "::ffff:203.0.113.7", true),
            ("0.0.0.0/0", "198.51.100.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "198.51.100.1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("2001:db8::1", "2001:db8::1", true),
        ];
        for (network, address, inside) in table {
            let network: Network = network.parse().expect("a network");
            assert_eq!(network.contains(address.parse().expect("an address")), inside, "{network} {address}");
        }
        for text in ["", "here", "203.0.113.0/33", "203.0.113.0/", "203.0.113/24", "::/129", "::/-1", "10.0.0.0/8/8"] {
            assert_eq!(text.parse::<Network>(), Err(NoNetwork), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_more_bits_a_network_names_the_fewer_addresses_are_in_it(
            ours in any::<IpAddr>(), theirs in any::<IpAddr>(), bits in 1..=128_u8,
        ) {
            let bits = bits.min(bits_of(ours));
            let network = Network { address: ours, bits };
            let wider = Network { bits: bits - 1, ..network };
            prop_assert!(!network.contains(theirs) || wider.contains(theirs));
            prop_assert_eq!(network.to_string().parse(), Ok(network));
        }
    }
}
