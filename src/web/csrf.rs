//! That a change is asked for by a page of ours: its form carries what a cookie of ours says, and the browser names no other origin. Pure.
//!
//! Another site can send a user's browser here, cookies and all, but can neither read the cookie nor the page; nor can it hide where it is.

use http::HeaderMap;
use http::header::{COOKIE, HOST, ORIGIN};

use crate::digest::sha256;

/// The header of programs.
pub(super) const HEADER: &str = "x-csrf-token";
/// The field of forms.
pub(super) const FIELD: &str = "csrf";

/// The cookie's name. By `__Host-` no other host, and nothing without TLS, can set it.
pub(super) fn cookie_name(headers: &HeaderMap) -> &'static str {
    if is_secure(headers) { "__Host-kfctl-csrf" } else { "kfctl-csrf" }
}

/// The cookie as it is set.
pub(super) fn cookie(headers: &HeaderMap, token: &str) -> String {
    let secure = if is_secure(headers) { "; Secure" } else { "" };
    format!("{}={token}; Path=/; HttpOnly; SameSite=Strict{secure}", cookie_name(headers))
}

/// Whether the browser came by TLS, as the gateway says. Who lies about it harms their own cookie alone.
pub(super) fn is_secure(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|protocol| protocol == "https")
}

/// The value of a cookie.
pub(super) fn cookie_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|line| line.split(';'));
    cookies.filter_map(|cookie| cookie.trim().split_once('=')).find(|(of, _)| *of == name).map(|(_, value)| value)
}

/// The token of the cookie, where it is one that we could have set.
pub(super) fn token(headers: &HeaderMap) -> Option<&str> {
    cookie_value(headers, cookie_name(headers))
        .filter(|token| token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether a change is asked for by a page of ours.
pub(super) fn is_ours(headers: &HeaderMap, field: Option<&str>) -> bool {
    let said = headers.get(HEADER).and_then(|value| value.to_str().ok()).or(field);
    // Digests are compared: how long that takes tells nothing of the token.
    let is_same = token(headers).zip(said).is_some_and(|(token, said)| sha256(token.as_bytes()) == sha256(said.as_bytes()));
    is_same && is_from_here(headers)
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let first = values.next().and_then(|value| value.to_str().ok());
        first.filter(|_| values.next().is_none())
    };
    if headers.contains_key("sec-fetch-site") && one("sec-fetch-site") != Some("same-origin") {
        return false;
    }
    let Some(host) = one(HOST.as_str()) else { return false };
    if !headers.contains_key(ORIGIN) {
        // No browser; the token alone tells.
        return true;
    }
    one(ORIGIN.as_str()).and_then(|origin| origin.split_once("://")).is_some_and(|(_, origin)| origin.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn headers(lines: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(pair) {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn a_page_of_ours_may_change_something_and_no_other() {
        let cookie = format!("other=1; kfctl-csrf={TOKEN}");
        let base = [("host", "kubeflow.example.com"), ("cookie", cookie.as_str())];
        let asked = |more: &[(&str, &str)], field| is_ours(&headers(&[&base[..], more].concat()), field);
        assert!(asked(&[], Some(TOKEN)));
        assert!(asked(&[("x-csrf-token", TOKEN)], None));
        assert!(asked(&[("origin", "https://kubeflow.example.com"), ("sec-fetch-site", "same-origin")], Some(TOKEN)));
        let other = TOKEN.replace('0', "1");
        for (more, field) in [
            (&[][..], None),
            (&[], Some("")),
            (&[], Some(other.as_str())),
            (&[("x-csrf-token", other.as_str())], Some(TOKEN)),
            (&[("origin", "https://evil.example.com")], Some(TOKEN)),
            (&[("origin", "https://kubeflow.example.com.evil.com")], Some(TOKEN)),
            (&[("origin", "null")], Some(TOKEN)),
            (&[("origin", "https://kubeflow.example.com"), ("origin", "https://evil.example.com")], Some(TOKEN)),
            (&[("sec-fetch-site", "cross-site")], Some(TOKEN)),
            (&[("sec-fetch-site", "same-site")], Some(TOKEN)),
            (&[("host", "evil.example.com")], Some(TOKEN)),
        ] {
            assert!(!asked(more, field), "{more:?} {field:?}");
        }
        let without_cookie = headers(&[("host", "kubeflow.example.com"), ("x-csrf-token", TOKEN)]);
        assert!(!is_ours(&without_cookie, Some(TOKEN)));
        let empty = headers(&[("host", "h"), ("cookie", "kfctl-csrf="), ("x-csrf-token", "")]);
        assert!(!is_ours(&empty, Some("")), "nothing is no token");
    }

    #[test]
    fn behind_tls_no_other_host_can_set_the_cookie() {
        let secure = headers(&[("x-forwarded-proto", "https")]);
        assert_eq!(cookie(&secure, "t"), "__Host-kfctl-csrf=t; Path=/; HttpOnly; SameSite=Strict; Secure");
        let weak = format!("kfctl-csrf={TOKEN}");
        assert_eq!(token(&headers(&[("x-forwarded-proto", "https"), ("cookie", &weak)])), None);
    }
}
