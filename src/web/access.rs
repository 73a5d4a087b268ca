//! Who may see what: the API server's own answer, for each user, believed for a few seconds.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;

use super::visitor::Visitor;
use crate::cluster::{Connection, Failure};
use crate::serving::lock;

/// How long an answer is believed.
const BELIEVED: Duration = Duration::from_secs(5);
/// How long a no to a deed everywhere is believed where it only saves a question about each namespace, which is asked then.
const NOT_EVERYWHERE: Duration = Duration::from_mins(1);
/// Answers that are kept before old ones are looked for.
const KEPT: usize = 20_000;

/// What somebody wants to do with which objects.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Deed {
    pub(super) verb: &'static str,
    pub(super) group: &'static str,
    pub(super) resource: &'static str,
    /// In which namespace; none is everywhere.
    pub(super) namespace: String,
    /// With which; none is all.
    pub(super) name: String,
}

impl Deed {
    pub(super) fn new(verb: &'static str, group: &'static str, resource: &'static str, namespace: &str, name: &str) -> Self {
        Self { verb, group, resource, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

type Question = (String, Vec<String>, Deed);

/// Asks, and remembers.
pub(super) struct Access {
    connection: Connection,
    answers: Mutex<HashMap<Question, (bool, Instant)>>,
}

impl Access {
    pub(super) fn new(connection: Connection) -> Self {
        Self { connection, answers: Mutex::default() }
    }

    /// Whether a visitor may do this. Whoever may do it everywhere is asked about once, not for each namespace.
    pub(super) async fn may(&self, visitor: &Visitor, deed: Deed) -> Result<bool, Failure> {
        if !deed.namespace.is_empty() {
            let everywhere = Deed { namespace: String::new(), name: String::new(), ..deed.clone() };
            if self.ask(visitor, everywhere, NOT_EVERYWHERE).await? {
                return Ok(true);
            }
        }
        self.ask(visitor, deed, BELIEVED).await
    }

    /// The answer, where a no may be as old as this.
    async fn ask(&self, visitor: &Visitor, deed: Deed, no: Duration) -> Result<bool, Failure> {
        let question = (visitor.user.clone(), visitor.groups.clone(), deed);
        let believed = |(allowed, at): &(bool, Instant)| at.elapsed() < if *allowed { BELIEVED } else { no };
        let known = lock(&self.answers).get(&question).filter(|answer| believed(answer)).copied();
        if let Some((allowed, _)) = known {
            return Ok(allowed);
        }
        let (user, groups, deed) = &question;
        // As the server adds it to whom it has let in.
        let groups: Vec<&str> = groups.iter().map(String::as_str).chain(["system:authenticated"]).collect();
        let attributes = json!({"verb": deed.verb, "group": deed.group, "resource": deed.resource, "namespace": deed.namespace, "name": deed.name});
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": {"user": user, "groups": groups, "resourceAttributes": attributes}});
        let body = ("application/json", review.to_string().into_bytes());
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let asked = Instant::now();
        let answer = self.connection.request(Method::POST, path, "application/json", Some(body)).await?.body;
        let allowed = answer["status"]["allowed"] == true;
        let mut answers = lock(&self.answers);
        if answers.len() >= KEPT {
            answers.retain(|_, (_, at)| at.elapsed() < BELIEVED);
        }
        answers.insert(question, (allowed, asked));
        Ok(allowed)
    }

    /// What was believed of a user is asked again: they have just changed something.
    pub(super) fn forget(&self, user: &str) {
        lock(&self.answers).retain(|(of, _, _), _| of != user);
    }
}
