//! Whether a form was posted from one of our own pages, and not by another site in somebody's name.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use url::Url;

/// Whether a request that changes something comes from our own pages.
///
/// Browsers say so in `sec-fetch-site` (Fetch Metadata) or, where they do not send it, in `origin`. A client that sends
/// neither is no browser, so nobody can borrow what it is signed in with.
pub(super) fn is_ours(headers: &HeaderMap, public_url: &Url) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    if origin == public_url.origin().ascii_serialization() {
        return true;
    }
    // The server may be reached by other names than the public one, such as `localhost`.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let named = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    host.is_some() && named == host
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn check(headers: &[(&'static str, &'static str)], ours: bool) {
        let public = Url::parse("https://hooks.example.com/").unwrap();
        let map = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        assert_eq!(is_ours(&map, &public), ours, "{headers:?}");
    }

    #[test]
    fn only_our_own_pages_may_post_forms() {
        check(&[("sec-fetch-site", "same-origin")], true);
        check(&[("sec-fetch-site", "none")], true);
        check(&[("sec-fetch-site", "same-site")], false);
        check(&[("sec-fetch-site", "cross-site"), ("origin", "https://hooks.example.com")], false);
        check(&[("origin", "https://hooks.example.com")], true);
        check(&[("origin", "http://localhost:8071"), ("host", "localhost:8071")], true);
        check(&[("origin", "https://evil.example"), ("host", "localhost:8071")], false);
        check(&[("origin", "null"), ("host", "localhost:8071")], false);
        check(&[("host", "localhost:8071")], true);
    }
}
