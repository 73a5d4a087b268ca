//! The server's version, and those that kfctl works with.

use std::fmt;

use serde_json::Value;

use super::{Connection, Failure};

/// A version of Kubernetes: major and minor.
pub type Minor = (u32, u32);

/// The oldest version that has all that kfctl needs.
pub const OLDEST: Minor = (1, 33);
/// The newest version that kfctl is tested with.
pub const NEWEST: Minor = (1, 37);

/// The version of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// As the server says it: `v1.37.2`.
    pub text: String,
    /// Major and minor, where it says them.
    pub minor: Option<Minor>,
}

impl Version {
    /// Asks the server. Everybody who may log in may.
    pub async fn read(connection: &Connection) -> Result<Self, Failure> {
        Ok(Self::of(&connection.read("/version").await?))
    }

    /// What the server answered. Some say `33+`.
    #[must_use]
    pub fn of(answer: &Value) -> Self {
        let text = |field: &str| answer.get(field).and_then(Value::as_str).unwrap_or_default();
        let number = |field: &str| text(field).trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok();
        Self { text: text("gitVersion").to_owned(), minor: number("major").zip(number("minor")) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_what_servers_say() {
        let version = |minor: &str| Version::of(&json!({"gitVersion": "v", "major": "1", "minor": minor})).minor;
        assert_eq!(version("37"), Some((1, 37)));
        assert_eq!(version("33+"), Some((1, 33)));
        assert_eq!(version(""), None);
    }
}
