//! How many requests there were, how they ended, and how long they took.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::time::Duration;

use http::{Method, StatusCode};

use crate::serving::{Histogram, build_info, family, lock};

/// Counted by route, so that no request can make a row of its own.
#[derive(Debug, Default)]
pub(super) struct Numbers(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    requests: BTreeMap<(String, &'static str, u16), u64>,
    durations: BTreeMap<String, Histogram>,
}

impl Numbers {
    /// A request has been answered.
    pub(super) fn answered(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        let method = match *method {
            Method::GET => "GET",
            Method::POST => "POST",
            Method::DELETE => "DELETE",
            _ => "other",
        };
        let mut counted = lock(&self.0);
        *counted.requests.entry((route.to_owned(), method, status.as_u16())).or_default() += 1;
        counted.durations.entry(route.to_owned()).or_default().add(took);
    }

    /// All of them.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        build_info(&mut text);
        let counted = lock(&self.0);
        let row = |((route, method, status), count): (&(String, &str, u16), &u64)| {
            (format!("{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}}"), *count)
        };
        let rows: Vec<_> = counted.requests.iter().map(row).collect();
        family(&mut text, "kfctl_web_requests_total", "counter", "Requests that were answered.", &rows);
        let name = "kfctl_web_request_duration_seconds";
        let _ = writeln!(text, "# HELP {name} How long answers take.\n# TYPE {name} histogram");
        for (route, histogram) in &counted.durations {
            histogram.write(&mut text, name, &format!("route=\"{route}\""));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_route() {
        let numbers = Numbers::default();
        numbers.answered("/profiles/{name}", &Method::GET, StatusCode::OK, Duration::from_millis(7));
        numbers.answered("/profiles/{name}", &Method::TRACE, StatusCode::OK, Duration::from_mins(1));
        let text = numbers.text();
        for line in [
            "kfctl_web_requests_total{route=\"/profiles/{name}\",method=\"GET\",status=\"200\"} 1",
            "kfctl_web_requests_total{route=\"/profiles/{name}\",method=\"other\",status=\"200\"} 1",
            "kfctl_web_request_duration_seconds_bucket{route=\"/profiles/{name}\",le=\"0.01\"} 1",
            "kfctl_web_request_duration_seconds_bucket{route=\"/profiles/{name}\",le=\"+Inf\"} 2",
            "kfctl_web_request_duration_seconds_count{route=\"/profiles/{name}\"} 2",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line} in {text}");
        }
    }
}
