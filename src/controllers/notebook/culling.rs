//! Whether a notebook is in use: what its server answers in, a decision out. No I/O, and no clock of its own.
//!
//! Clocks differ. How long a kernel or terminal has been idle is told by the server's clock alone: the date of its answer, less its last
//! activity. All else is counted by this process's steady clock, from when it first saw the server so; a controller that starts anew counts
//! from the start where the server says nothing. An answer that makes no sense, or none, is no proof of idleness, and stops nothing.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::fmt::rfc2822;
use serde_json::Value;

use super::settings::Settings;
use crate::catalog::parse_duration;

/// How far a server's own times may contradict each other.
const SLACK: i64 = 60;

/// What a server answers to one question.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) code: u16,
    /// Its clock, as the header says it.
    pub(super) date: Option<String>,
    pub(super) body: Vec<u8>,
}

/// How a server is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Use {
    /// Something runs.
    Busy,
    /// All kernels and terminals are idle, for this long by the server's clock; none where there are none.
    Idle(Option<Duration>),
    /// It does not say, for this reason.
    Unknown(String),
}

/// How long a notebook may be idle; none where it is never stopped. An error is about its annotation.
pub(super) fn limit(settings: &Settings, idle_time: Option<&str>, server_type: Option<&str>) -> Result<Option<Duration>, String> {
    let is_jupyter = server_type.is_none_or(|server| matches!(server, "" | "jupyter"));
    if !settings.culling || !is_jupyter {
        return Ok(None);
    }
    match idle_time {
        None => Ok(Some(settings.idle_time)),
        Some("never") => Ok(None),
        Some(text) => match parse_duration(text).filter(|duration| !duration.is_zero()) {
            Some(duration) => Ok(Some(duration)),
            None => {
                Err(format!("{text:?} is no duration; expected one such as 90m or 8h, or never. The notebook is not stopped"))
            }
        },
    }
}

/// How a server is used, by its answers about kernels and about terminals.
pub(super) fn usage(kernels: &Result<Answer, String>, terminals: &Result<Answer, String>) -> Use {
    let kernels = match kernels {
        Ok(Answer { code: 200, date, body }) => idle_times("kernels", date.as_deref(), body),
        Ok(Answer { code, .. }) => Err(format!("its answer about kernels is {code}")),
        Err(problem) => Err(problem.clone()),
    };
    let terminals = match terminals {
        Ok(Answer { code: 200, date, body }) => idle_times("terminals", date.as_deref(), body),
        // A server may have none at all.
        Ok(Answer { code: 404, .. }) => Ok(Some(Vec::new())),
        Ok(Answer { code, .. }) => Err(format!("its answer about terminals is {code}")),
        Err(problem) => Err(problem.clone()),
    };
    match (kernels, terminals) {
        (Ok(None), _) | (_, Ok(None)) => Use::Busy,
        (Err(problem), _) | (_, Err(problem)) => Use::Unknown(problem),
        (Ok(Some(kernels)), Ok(Some(terminals))) => Use::Idle(kernels.into_iter().chain(terminals).min()),
    }
}

/// How long each has been idle; none where one is not.
fn idle_times(what: &str, date: Option<&str>, body: &[u8]) -> Result<Option<Vec<Duration>>, String> {
    let list: Vec<Value> = serde_json::from_slice(body).map_err(|_| format!("its answer about {what} is no list"))?;
    let is_busy = |one: &Value| one.get("execution_state").is_some_and(|state| state != "idle");
    if list.iter().any(is_busy) {
        return Ok(None);
    }
    let times = list.iter().map(|one| one["last_activity"].as_str().and_then(|text| text.parse::<Timestamp>().ok()));
    let times: Option<Vec<Timestamp>> = times.collect();
    let times = times.ok_or_else(|| format!("its answer about {what} has one without a last activity"))?;
    if times.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let now = date.and_then(|date| rfc2822::parse(date).ok()).map(|zoned| zoned.timestamp());
    let now = now.ok_or_else(|| format!("its answer about {what} has no date"))?;
    let idle = times.into_iter().map(|time| {
        let seconds = now.as_second() - time.as_second();
        // Nothing was used in the future.
        if seconds < -SLACK {
            return Err(format!("the last activity in its answer about {what} is still to come"));
        }
        Ok(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
    });
    idle.collect::<Result<_, _>>().map(Some)
}

/// What is remembered of a server from one look to the next, for the same pod. Times are since this process first saw the pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// When it was in use last, as far as was seen.
    used: Option<Duration>,
    /// When its end was announced.
    warned: Option<Duration>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Nothing,
    /// Say that it will be stopped.
    Warn,
    Stop,
}

/// What limits a notebook's idleness.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) idle_time: Duration,
    pub(super) warn_before: Duration,
    /// How long the pod is there: no kernel can be idle for longer.
    pub(super) age: Duration,
}

/// How long a notebook has been idle, and what is to be done. `now` counts since this process first saw the pod.
pub(super) fn decide(usage: &Use, limits: Limits, now: Duration, memory: &mut Memory) -> (Duration, Decision) {
    let told = match usage {
        Use::Idle(Some(told)) if *told > limits.age + Duration::from_secs(SLACK.unsigned_abs()) => Err(()),
        Use::Idle(told) => Ok(*told),
        Use::Busy | Use::Unknown(_) => Err(()),
    };
    match told {
        // What was not seen was perhaps in use.
        Err(()) => memory.used = Some(now),
        // What is closed afterwards was there until then.
        Ok(Some(told)) => memory.used = memory.used.max(now.checked_sub(told)),
        Ok(None) => {}
    }
    let seen = now.saturating_sub(memory.used.unwrap_or_default());
    let idle = match (told, memory.used) {
        // From before this process began, the server alone knows.
        (Ok(Some(told)), None) => told,
        _ => seen,
    };
    if idle < limits.idle_time.saturating_sub(limits.warn_before) || idle.is_zero() {
        memory.warned = None;
        return (idle, Decision::Nothing);
    }
    match memory.warned {
        None => {
            memory.warned = Some(now);
            (idle, Decision::Warn)
        }
        // Whoever is warned late has as long to answer.
        Some(warned) if idle >= limits.idle_time && now.saturating_sub(warned) >= limits.warn_before.min(limits.idle_time) => {
            (idle, Decision::Stop)
        }
        Some(_) => (idle, Decision::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::super::desired::tests::settings;
    use super::*;
    use serde_json::json;

    const DATE: &str = "Thu, 01 Jan 2026 12:00:00 GMT";

    #[allow(clippy::unnecessary_wraps, reason = "an answer may be missing")]
    fn answer(code: u16, date: Option<&str>, body: &str) -> Result<Answer, String> {
        Ok(Answer { code, date: date.map(str::to_owned), body: body.as_bytes().to_vec() })
    }

    fn kernel(state: &str, time: &str) -> String {
        json!([{"id": "k", "execution_state": state, "last_activity": format!("2026-01-01T{time}Z")}]).to_string()
    }

    fn minutes(count: u64) -> Duration {
        Duration::from_mins(count)
    }

    #[test]
    fn kernels_and_terminals_count_alike() {
        let none = || answer(200, Some(DATE), "[]");
        let ok = |body: &str| answer(200, Some(DATE), body);
        let terminal = r#"[{"name": "1", "last_activity": "2026-01-01T11:50:00.000000Z"}]"#;
        let rows = [
            (ok(&kernel("idle", "11:00:00.123456")), none(), Use::Idle(Some(minutes(60)))),
            (ok(&kernel("busy", "11:00:00")), none(), Use::Busy),
            (ok(&kernel("starting", "11:00:00")), none(), Use::Busy),
            (ok(&kernel("idle", "11:00:00")), ok(terminal), Use::Idle(Some(minutes(10)))),
            (none(), ok(terminal), Use::Idle(Some(minutes(10)))),
            (none(), answer(404, None, ""), Use::Idle(None)),
            (none(), none(), Use::Idle(None)),
        ];
        for (kernels, terminals, expected) in rows {
            assert_eq!(usage(&kernels, &terminals), expected, "{kernels:?} {terminals:?}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_no_idleness() {
        let none = || answer(200, Some(DATE), "[]");
        for (kernels, terminals) in [
            (Err("no answer".to_owned()), none()),
            (none(), Err("no answer".to_owned())),
            (answer(404, Some(DATE), ""), none()),
            (answer(302, Some(DATE), "[]"), none()),
            (answer(200, Some(DATE), "<html>"), none()),
            (answer(200, Some(DATE), "{}"), none()),
            (answer(200, Some(DATE), r#"[{"execution_state": "idle"}]"#), none()),
            (answer(200, Some(DATE), r#"[{"execution_state": "idle", "last_activity": "yesterday"}]"#), none()),
            (answer(200, Some("now"), &kernel("idle", "11:00:00")), none()),
            (answer(200, None, &kernel("idle", "11:00:00")), none()),
            // A clock that runs ahead of itself.
            (answer(200, Some(DATE), &kernel("idle", "12:02:00")), none()),
            (none(), answer(500, Some(DATE), "[]")),
        ] {
            assert!(matches!(usage(&kernels, &terminals), Use::Unknown(_)), "{kernels:?} {terminals:?}");
        }
    }

    #[test]
    fn who_is_never_stopped() {
        let on = settings(json!({"culling": "true", "idleTime": "8h"}));
        assert_eq!(limit(&on, None, None), Ok(Some(minutes(480))));
        assert_eq!(limit(&on, Some("90m"), Some("jupyter")), Ok(Some(minutes(90))));
        assert_eq!(limit(&on, Some("never"), None), Ok(None));
        assert_eq!(limit(&on, None, Some("group-one")), Ok(None));
        assert_eq!(limit(&settings(json!({})), Some("90m"), None), Ok(None));
        assert!(limit(&on, Some("1440"), None).is_err());
    }

    /// Looks at these minutes, each with what the server says; the decisions.
    fn looks(limits: Limits, looks: &[(u64, Use)]) -> Vec<Decision> {
        let mut memory = Memory::default();
        looks.iter().map(|(minute, usage)| decide(usage, limits, minutes(*minute), &mut memory).1).collect()
    }

    const LIMITS: Limits =
        Limits { idle_time: Duration::from_hours(1), warn_before: Duration::from_mins(10), age: Duration::from_mins(5000) };

    fn idle(count: u64) -> Use {
        Use::Idle(Some(minutes(count)))
    }

    #[test]
    fn a_warning_comes_before_the_end() {
        use Decision::{Nothing, Stop, Warn};
        assert_eq!(
            looks(
                LIMITS,
                &[
                    (0, Use::Idle(None)),
                    (49, Use::Idle(None)),
                    (50, Use::Idle(None)),
                    (59, Use::Idle(None)),
                    (60, Use::Idle(None))
                ]
            ),
            [Nothing, Nothing, Warn, Nothing, Stop]
        );
        // A process that has just begun warns first, however long it has been.
        assert_eq!(looks(LIMITS, &[(0, idle(900)), (9, idle(909)), (10, idle(910))]), [Warn, Nothing, Stop]);
        // Used after the warning: all begins again.
        assert_eq!(
            looks(LIMITS, &[(0, idle(55)), (5, Use::Busy), (10, idle(5)), (54, idle(49)), (55, idle(50))]),
            [Warn, Nothing, Nothing, Nothing, Warn]
        );
    }

    #[test]
    fn what_was_closed_a_moment_ago_was_there_a_moment_ago() {
        use Decision::{Nothing, Warn};
        // The only kernel that told is shut down.
        assert_eq!(
            looks(LIMITS, &[(0, idle(1)), (300, idle(2)), (301, Use::Idle(None)), (348, Use::Idle(None))]),
            [Nothing, Nothing, Nothing, Warn]
        );
        // A terminal was closed, and a kernel has been idle for long.
        assert_eq!(looks(LIMITS, &[(300, idle(1)), (301, idle(900))]), [Nothing, Nothing]);
    }

    #[test]
    fn a_server_that_does_not_answer_is_not_stopped() {
        use Decision::{Nothing, Warn};
        let unknown = || Use::Unknown(String::new());
        assert_eq!(looks(LIMITS, &[(0, unknown()), (600, unknown()), (6000, unknown())]), [Nothing; 3]);
        assert_eq!(
            looks(LIMITS, &[(0, idle(900)), (9, unknown()), (10, idle(910)), (59, idle(959))]),
            [Warn, Nothing, Nothing, Warn]
        );
    }

    #[test]
    fn a_kernel_older_than_its_pod_is_no_proof() {
        let limits = Limits { age: minutes(30), ..LIMITS };
        assert_eq!(looks(limits, &[(0, idle(900)), (20, idle(920))]), [Decision::Nothing; 2]);
    }
}
