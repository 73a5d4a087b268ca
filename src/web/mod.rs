//! The web UI: pages rendered on the server for people, and the same as JSON for programs.
//!
//! Everything goes through `guard`: who asks (`sign_in`), whether they may ask at all (`rate`, `csrf`) and in these words (`contract`), and
//! how it is answered (`answer`, `page`). What is shown comes from caches (`cache`) and only after the API server has said that this user may see it (`access`); what
//! is changed is changed as this user, never as the web itself. Nothing is kept between requests but caches: any replica does.

mod access;
mod answer;
mod cache;
mod contract;
mod csrf;
mod fields;
mod guard;
mod home;
mod live;
mod notebooks;
mod notebooks_one;
mod notebooks_spawner;
mod notebooks_today;
mod numbers;
mod page;
mod profile;
mod profiles;
mod profiles_today;
mod rate;
mod rows;
mod sign_in;
mod trial;
mod visitor;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{delete, get, post};
use tokio::sync::watch;

use crate::cluster::Connection;
use crate::error::{Error, Result};
use crate::serving::{asked_to_end, numbers as as_numbers, serve, serve_until};
use access::Access;
use answer::Problem;
use cache::Cache;
use contract::Contract;
use numbers::Numbers;
use page::Pages;
use rate::{Places, Rate};
use sign_in::KeyRing;

/// How long what is being answered may take once the role is to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the role listens, and for whom.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Pages and /api.
    pub listen: SocketAddr,
    /// /livez, /healthz and /readyz.
    pub probes: SocketAddr,
    /// /metrics.
    pub metrics: SocketAddr,
    /// Whether people choose who they are: for trying out, on this machine alone.
    pub trial: bool,
}

/// What every request has at hand.
struct Site {
    /// With the web's own rights: to watch, to ask who may what, and to act as others.
    connection: Connection,
    /// Without any: for users' own tokens, where those are to be used.
    bare: Option<Connection>,
    trial: bool,
    cache: Cache,
    access: Access,
    keys: KeyRing,
    rate: Rate,
    /// What is being answered, and what is followed.
    answers: Places,
    streams: Places,
    /// Turns true when the role is to end: what lasts ends then.
    ending: watch::Receiver<bool>,
    numbers: Numbers,
    contract: Contract,
    pages: Pages,
}

/// Runs until `stop` turns true or the process is asked to end. With a connection without credentials, requests carry the users' own
/// tokens; else the API server is told on whose behalf they are.
pub async fn run(
    connection: &Connection,
    bare: Option<Connection>,
    settings: &Settings,
    stop: watch::Receiver<bool>,
) -> Result<()> {
    let Settings { listen, probes, metrics, trial } = *settings;
    if trial && !listen.ip().is_loopback() {
        return Err(Error::usage(format!(
            "{listen} can be reached from other machines, and here everybody chooses who they are"
        ))
        .field("--listen")
        .expected("an address of this machine alone, such as 127.0.0.1:8082"));
    }
    let asked_to_end = asked_to_end(stop)?;
    let (ending, mut end) = watch::channel(false);
    let site = Arc::new(Site {
        connection: connection.clone(),
        bare,
        trial,
        cache: Cache::default(),
        access: Access::new(connection.clone()),
        keys: KeyRing::default(),
        rate: Rate::default(),
        answers: Places::new(guard::MOST),
        streams: Places::new(live::MOST),
        ending: end.clone(),
        numbers: Numbers::default(),
        contract: Contract::new(),
        pages: Pages::new(),
    });
    let ended = async move {
        let _ = end.wait_for(|end| *end).await;
    };
    let stopping = async {
        asked_to_end.await;
        ending.send_replace(true);
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        served = serve_until(listen, pages(&site), ended) => served,
        served = serve(probes, readiness(&site)) => served,
        served = serve(metrics, measured(&site)) => served,
        () = site.cache.follow(connection) => Ok(()),
        () = stopping => Ok(()),
    }
}

/// The same handlers answer people and programs.
fn pages(site: &Arc<Site>) -> Router {
    let api = Router::new()
        .route("/openapi.json", get(page::openapi))
        .route("/namespaces", get(home::show))
        .route("/profiles", get(profiles::list).post(profiles::create))
        .route("/profiles/{name}", get(profile::show).delete(profile::delete))
        .route("/profiles/{name}/{action}", post(profile::act))
        .route("/notebooks", get(notebooks::list_all).post(notebooks_spawner::create))
        .route("/notebooks/{namespace}/{name}", get(notebooks_one::show).delete(notebooks_one::delete))
        .route("/notebooks/{namespace}/{name}/edit", post(notebooks_one::edit))
        .route("/notebooks/{namespace}/{name}/log", get(notebooks_one::log))
        .route("/notebooks/{namespace}/{name}/{action}", post(notebooks_one::act));
    let access = Router::new()
        .route("/bindings", get(profiles_today::bindings).post(profiles_today::bind).delete(profiles_today::unbind))
        .route("/profiles", post(profiles_today::create))
        .route("/profiles/{name}", delete(profiles_today::delete))
        .route("/role/clusteradmin", get(profiles_today::is_admin));
    let routes = Router::new()
        .route("/", get(home::show))
        .route("/profiles", get(profiles::list).post(profiles::create))
        .route("/profiles/{name}", get(profile::show))
        .route("/profiles/{name}/{action}", post(profile::act))
        .route("/changes", get(live::changes_of_profiles))
        .route("/jupyter", get(notebooks::list_all))
        .route("/jupyter/new", get(notebooks_spawner::form).post(notebooks_spawner::create))
        .route("/jupyter/changes", get(live::changes))
        .route("/jupyter/volumes/{namespace}/{name}/delete", post(notebooks::delete_volume))
        .route("/jupyter/{namespace}/{name}", get(notebooks_one::show))
        .route("/jupyter/{namespace}/{name}/edit", get(notebooks_one::edit_form).post(notebooks_one::edit))
        .route("/jupyter/{namespace}/{name}/log", get(notebooks_one::log))
        .route("/jupyter/{namespace}/{name}/log/live", get(live::log))
        .route("/jupyter/{namespace}/{name}/{action}", post(notebooks_one::act))
        .route("/jupyter/api/namespaces", get(notebooks_today::all_namespaces))
        .route("/jupyter/api/namespaces/{namespace}/notebooks", get(notebooks_today::list).post(notebooks_today::create))
        .route(
            "/jupyter/api/namespaces/{namespace}/notebooks/{name}",
            get(notebooks_today::show).patch(notebooks_today::change).delete(notebooks_today::delete),
        )
        .nest("/kfam/v1", access)
        .route("/identity", get(trial::show).post(trial::choose))
        .nest("/api", api)
        .fallback(nowhere)
        .method_not_allowed_fallback(async || not_this_way())
        .layer(middleware::from_fn_with_state(Arc::clone(site), guard::guard));
    Router::new()
        .route("/assets/style.css", get(page::style))
        .route("/assets/icon.svg", get(page::icon))
        .route("/assets/live.js", get(page::script))
        .merge(routes)
        .layer(middleware::map_response(guard::secured))
        .with_state(Arc::clone(site))
}

async fn nowhere() -> Problem {
    Problem::missing("there is no such page")
}

fn not_this_way() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this can't be asked for in this way")
}

fn readiness(site: &Arc<Site>) -> Router {
    let site = Arc::clone(site);
    let ready = move || {
        std::future::ready(match site.cache.readiness() {
            Ok(()) => (StatusCode::OK, "ok".to_owned()),
            Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
        })
    };
    let alive = || std::future::ready("ok");
    Router::new().route("/livez", get(alive)).route("/healthz", get(alive)).route("/readyz", get(ready))
}

fn measured(site: &Arc<Site>) -> Router {
    let site = Arc::clone(site);
    Router::new().route("/metrics", get(move || std::future::ready(as_numbers(site.numbers.text()))))
}
