//! What changes while a page is open, by server-sent events. A stream of changes says only that there is something new: the page fetches
//! it as everybody does. A stream of a log is the visitor's own request. Whether they still may look is asked again and again, and every
//! stream ends after a while: the browser comes back, and proves anew who it is.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use futures::StreamExt;
use futures::stream::{self, Stream};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use tokio::sync::watch;

use super::Site;
use super::access::Deed;
use super::answer::Problem;
use super::fields::Fields;
use super::notebooks::{chosen, fingerprint, namespaces, notebooks};
use super::notebooks_one::{LINES, read};
use super::profile::seen;
use super::rate::Place;
use super::rows::{self, KUBEFLOW, candidates};
use super::visitor::Visitor;
use crate::cluster::Failure;
use crate::notebooks::{Lines, server};
use crate::profiles::text;

/// Streams of one user at the same time.
pub(super) const MOST: usize = 12;
/// How long a stream lasts.
const LASTS: Duration = Duration::from_mins(5);
/// How often it is asked whether the visitor may still look, and said that the stream still stands.
const PULSE: Duration = Duration::from_secs(5);
/// Changes that come together are one.
const TOGETHER: Duration = Duration::from_millis(150);
/// The longest line of a log that is sent in one piece.
const LONGEST: usize = 64 * 1024;

/// What a stream tells the changes of.
enum Followed {
    Notebooks {
        namespace: String,
        name: Option<String>,
    },
    Profile(String),
    /// The namespaces that are somebody's.
    Mine,
}

/// A visitor's place in a stream, until it ends.
struct Seat {
    _place: Place,
    site: Arc<Site>,
    visitor: Visitor,
    until: Instant,
    ending: watch::Receiver<bool>,
}

impl Seat {
    fn take(site: &Arc<Site>, visitor: &Visitor) -> Result<Self, Problem> {
        let too_many = || Problem::new(StatusCode::TOO_MANY_REQUESTS, "you have too many pages open that follow something");
        Ok(Self {
            _place: site.streams.take(&visitor.user).ok_or_else(too_many)?,
            site: Arc::clone(site),
            visitor: visitor.clone(),
            until: Instant::now() + LASTS,
            ending: site.ending.clone(),
        })
    }

    /// Whether the stream may go on: there is time, the role does not end, and the visitor is still let in.
    fn stands(&self) -> bool {
        let is_known = self.site.bare.is_some() || self.site.cache.knows("users", &self.visitor.user);
        Instant::now() < self.until && !*self.ending.borrow() && is_known
    }

    async fn may(&self, deed: Deed) -> bool {
        self.stands() && self.visitor.may(&self.site, deed).await.unwrap_or_default()
    }

    /// A word for what there is now; none where the visitor may look no longer.
    async fn now(&self, followed: &Followed) -> Option<String> {
        let Self { site, visitor, .. } = self;
        match followed {
            Followed::Notebooks { namespace, name } => {
                let may = self.may(Deed::new("list", KUBEFLOW, "notebooks", namespace, "")).await;
                may.then(|| fingerprint(site, namespace, name.as_deref()))
            }
            Followed::Profile(name) => {
                let (namespace, _) = seen(site, visitor, name).await.ok().filter(|_| self.stands())?;
                Some(rows::fingerprint(site, visitor, &[namespace]))
            }
            Followed::Mine => self.stands().then(|| rows::fingerprint(site, visitor, &candidates(site, visitor))),
        }
    }
}

fn streamed(events: impl Stream<Item = String> + Send + 'static) -> Response {
    let mut response = Response::new(Body::from_stream(events.map(Ok::<_, Infallible>)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

/// Says when the notebooks of a namespace, or one of them, have changed since the page that was `seen`.
pub(super) async fn changes(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(query): Extension<Fields>,
) -> Result<Response, Problem> {
    let asked = query.get("namespace");
    let namespaces = if asked.is_empty() { namespaces(&site, &visitor).await? } else { Vec::new() };
    let namespace = chosen(&site, &visitor, asked, &namespaces).await?;
    let namespace = namespace.ok_or_else(|| Problem::missing("there is nothing to follow"))?;
    let name = Some(query.get("name")).filter(|name| !name.is_empty()).map(str::to_owned);
    follow(&site, &visitor, &query, Followed::Notebooks { namespace, name })
}

/// Says when a profile, or without one the visitor's namespaces, have changed since the page that was `seen`.
pub(super) async fn changes_of_profiles(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(query): Extension<Fields>,
) -> Result<Response, Problem> {
    let followed = match query.get("profile") {
        "" => Followed::Mine,
        name => {
            seen(&site, &visitor, name).await?;
            Followed::Profile(name.to_owned())
        }
    };
    follow(&site, &visitor, &query, followed)
}

fn follow(site: &Arc<Site>, visitor: &Visitor, query: &Fields, followed: Followed) -> Result<Response, Problem> {
    let seat = Seat::take(site, visitor)?;
    let state = (seat, followed, query.get("seen").to_owned(), site.cache.changes(), true);
    let events = stream::unfold(state, |(mut seat, followed, mut seen, mut changed, is_first)| async move {
        loop {
            changed.mark_unchanged();
            let now = seat.now(&followed).await?;
            if now != seen {
                seen.clone_from(&now);
                return Some((format!("event: changed\ndata: {now}\n\n"), (seat, followed, seen, changed, false)));
            }
            if is_first {
                return Some((": it stands\n\n".to_owned(), (seat, followed, seen, changed, false)));
            }
            tokio::select! {
                _ = changed.changed() => tokio::time::sleep(TOGETHER).await,
                _ = seat.ending.changed() => {}
                () = tokio::time::sleep(PULSE) => return Some((":\n\n".to_owned(), (seat, followed, seen, changed, false))),
            }
        }
    });
    Ok(streamed(events))
}

/// The log of a notebook's server, line by line as it is written.
pub(super) async fn log(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Path((namespace, name)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let what = format!("read the log of notebook {name}");
    let notebook = read(&visitor, &namespace, &name).await?;
    let seat = Seat::take(&site, &visitor)?;
    let lines = Lines { previous: false, follow: true, tail: LINES };
    let container = text(server(&notebook).1, "/name");
    let log = notebooks(&visitor).log(&namespace, &name, container, lines).await;
    let log = Box::pin(log.map_err(|failure| Problem::of(&failure, &what))?);
    Ok(streamed(stream::unfold(Some((seat, namespace, log, Vec::new())), |state| async move {
        let (seat, namespace, mut log, mut rest) = state?;
        loop {
            if !seat.may(Deed::new("get", "", "pods/log", &namespace, "")).await {
                return None;
            }
            match tokio::time::timeout(PULSE, log.next()).await {
                Err(_) => return Some((":\n\n".to_owned(), Some((seat, namespace, log, rest)))),
                Ok(Some(Ok(part))) => {
                    let events = lines_of(&mut rest, &part);
                    if !events.is_empty() {
                        return Some((events, Some((seat, namespace, log, rest))));
                    }
                }
                Ok(None | Some(Err(Failure { .. }))) => {
                    let last = lines_of(&mut rest, b"\n");
                    return Some((format!("{last}event: end\ndata:\n\n"), None));
                }
            }
        }
    })))
}

/// The whole lines that there are by now, as an event each; the rest waits for its end.
fn lines_of(rest: &mut Vec<u8>, part: &[u8]) -> String {
    rest.extend_from_slice(part);
    let end = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    let end = if end == 0 && rest.len() > LONGEST { rest.len() } else { end };
    let whole: Vec<u8> = rest.drain(..end).collect();
    let text = String::from_utf8_lossy(&whole);
    // No other character ends a line in a stream of events.
    let lines = text.split_terminator('\n').filter(|line| !line.is_empty());
    lines.map(|line| format!("data: {}\n\n", line.replace('\r', ""))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_told_line_by_line_and_nothing_in_it_is_an_event_of_its_own() {
        let mut rest = Vec::new();
        assert_eq!(lines_of(&mut rest, b"one\ntw"), "data: one\n\n");
        assert_eq!(lines_of(&mut rest, b"o\r\n\nevent: changed\n"), "data: two\n\ndata: event: changed\n\n");
        assert_eq!(lines_of(&mut rest, b"a\rdata: b\n\xff\n"), "data: adata: b\n\ndata: \u{fffd}\n\n");
        assert!(rest.is_empty());
        assert_eq!(
            lines_of(&mut rest, &vec![b'x'; LONGEST + 1]).len(),
            LONGEST + 1 + "data: \n\n".len(),
            "no line is kept for ever"
        );
    }
}
