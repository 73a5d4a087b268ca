//! A path as Envoy reads it before anything is decided. Pure.

/// The path without its query, as Istio's default (BASE) has Envoy put it: unreserved characters decoded, backslashes as slashes, dot
/// segments resolved, several slashes in a row and encoded slashes left. `None` where Envoy refuses it.
#[must_use]
pub fn normalized(target: &str) -> Option<String> {
    let path = target.split('?').next().unwrap_or_default();
    if !path.starts_with('/') || path.contains('#') || target.contains("%00") {
        return None;
    }
    let decoded = decoded(path).replace('\\', "/");
    let mut segments: Vec<&str> = Vec::new();
    let mut parts = decoded[1..].split('/').peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        match part.split(';').next().unwrap_or_default() {
            "." if is_last => segments.push(""),
            "." => {}
            ".." => {
                segments.pop();
                if is_last {
                    segments.push("");
                }
            }
            _ => segments.push(part),
        }
    }
    Some(format!("/{}", segments.join("/")))
}

/// Decodes what needs no encoding.
fn decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let (mut result, mut place) = (Vec::with_capacity(bytes.len()), 0);
    while place < bytes.len() {
        let code =
            path.get(place + 1..place + 3).filter(|_| bytes[place] == b'%').and_then(|code| u8::from_str_radix(code, 16).ok());
        match code {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                result.push(byte);
                place += 3;
            }
            _ => {
                result.push(bytes[place]);
                place += 1;
            }
        }
    }
    String::from_utf8_lossy(&result).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_means_what_it_means_to_envoy() {
        for (target, expected) in [
            ("/a/b?x=/../c", "/a/b"),
            ("/a/../b/./c/", "/b/c/"),
            ("/a/%2e%2E/b", "/b"),
            ("/a/..;/b", "/b"),
            (r"/a\..\b", "/b"),
            ("/a//b", "/a//b"),
            ("/a//../b", "/a/b"),
            ("/../../a", "/a"),
            ("/a%2Fb/%6b", "/a%2Fb/k"),
            ("/%256e", "/%256e"),
            ("/a/..", "/"),
            ("/", "/"),
        ] {
            assert_eq!(normalized(target).as_deref(), Some(expected), "{target}");
        }
        for refused in ["a/b", "/a#b", "/a%00"] {
            assert_eq!(normalized(refused), None, "{refused}");
        }
    }
}
