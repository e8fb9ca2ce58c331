//! Paths and queries of requests, percent-decoded.

/// The names and values of a query, in order.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")))
    })
}

/// The parts of a path.
pub(crate) fn segments(path: &str) -> Vec<String> {
    path.trim_matches('/').split('/').map(decoded).collect()
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_and_a_path_are_decoded_once() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let found: Vec<_> = pairs("filter=a%3D%22b+c%22&filter=d&&active=").collect();
        assert_eq!(found, [pair("filter", "a=\"b c\""), pair("filter", "d"), pair("active", "")]);
        assert_eq!(segments("/v1/services/a%2Fb/maintenance"), ["v1", "services", "a/b", "maintenance"]);
    }
}
