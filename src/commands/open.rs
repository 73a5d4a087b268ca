//! `kfctl open`: the address of Kubeflow in its cluster, and a browser there. Where nothing exposes the gateway, a port of this machine
//! leads to it as long as kfctl runs.

use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc::unbounded_channel;

use super::{Session, local, platform};
use crate::app::App;
use crate::catalog::{Catalog, Provision};
use crate::cli;
use crate::cluster::Connection;
use crate::error::{Error, ExitStatus, Kind, Result};
use crate::mesh::{Endpoint, Gateway, NAMESPACE, Way, endpoint, forward};
use crate::ui::Output;
use crate::{apply, ui};

/// How long the program that opens a browser may take to say that it can't.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn run(session: &Session, arguments: &cli::Open) -> Result<ExitStatus> {
    let path = path(&arguments.path)?;
    let catalog = session.catalog()?;
    let app = match session.app() {
        Ok(app) => Some(app),
        Err(error) if error.kind() == Kind::Usage => None,
        Err(error) => return Err(error),
    };
    if let Some(app) = &app
        && matches!(app.platform(&catalog)?.provision, Provision::Local(_))
        && !session.names_a_cluster()
    {
        return on_this_machine(session, arguments, app, &path).await;
    }
    let connection = connect(session, app.as_ref(), &catalog).await?;
    let gateway = Gateway::read(&connection, app.as_ref().map_or(NAMESPACE, |app| &app.file.namespace)).await?;
    let why = match endpoint(&gateway) {
        Ok(Endpoint { url, way, object }) => {
            let url = gateway.url(&url, &path);
            show(session, arguments, &url, way, &object);
            if !arguments.url {
                session.printer.note(format!("{object} says so"));
            }
            browse(session, arguments, &url).await;
            return Ok(ExitStatus::Done);
        }
        Err(why) => why,
    };
    if arguments.url {
        return Err(Error::cluster(format!("the gateway has no address: {why}"))
            .hint("`kfctl open` leads there from this machine as long as it runs")
            .hint("for an address that lasts: a Service of type LoadBalancer or NodePort (where kfctl brings Istio: `kfctl param set istio service NodePort`), or `kfctl param set auth host NAME`"));
    }
    let mut stop = session.stop.clone();
    let forwarded = forward(&connection, gateway).await?;
    let (url, pod) = (format!("{}{path}", forwarded.url), format!("Pod {}", forwarded.pod));
    show(session, arguments, &url, Way::PortForward, &pod);
    session.printer.note(format!("the gateway has no address: {why}"));
    session.printer.note("this port leads there from this machine alone, until Ctrl-C");
    let (sender, mut troubles) = unbounded_channel();
    let serving = forwarded.serve(sender);
    let telling = async {
        browse(session, arguments, &url).await;
        while let Some(trouble) = troubles.recv().await {
            session.printer.warn(trouble);
        }
    };
    tokio::select! {
        served = async { tokio::join!(serving, telling).0 } => {
            served.map_err(|error| Error::environment(format!("the port was closed: {error}")))?;
        }
        _ = stop.wait_for(|stop| *stop) => {}
        () = ui::reader_left() => {}
    }
    Ok(ExitStatus::Done)
}

/// Platform local has no gateway: its web UI is a process.
async fn on_this_machine(session: &Session, arguments: &cli::Open, app: &App, path: &str) -> Result<ExitStatus> {
    let processes = local::control_plane(app)?.status()?;
    let web =
        processes.iter().find_map(|process| Some((process, process.address.as_ref().filter(|url| url.starts_with("http:"))?)));
    let (process, address) = web.ok_or_else(|| {
        Error::usage("platform local has no Istio and no login, and its web UI does not run")
            .hint("`kfctl apply` starts it, where component dashboard is enabled")
            .hint("the cluster itself is there for kubectl: `kfctl local status`, and the lines that `kfctl apply platform` ends with")
            .hint("with a login: an app for a cluster that runs containers, as by `kfctl init my-kubeflow --platform kind`")
    })?;
    let url = format!("{address}{path}");
    show(session, arguments, &url, Way::Process, &format!("process {}", process.name));
    browse(session, arguments, &url).await;
    Ok(ExitStatus::Done)
}

/// The app's cluster, and no other.
async fn connect(session: &Session, app: Option<&App>, catalog: &Catalog) -> Result<Connection> {
    let Some(app) = app else { return Connection::open(&session.target).await };
    let connection = Connection::open(&platform::target(session, app, catalog)?).await?;
    apply::check_cluster(&connection, app.file.cluster.as_ref()).await?;
    Ok(connection)
}

fn path(text: &str) -> Result<String> {
    let path = format!("/{}", text.trim_start_matches('/'));
    match path.parse::<http::uri::PathAndQuery>() {
        Ok(_) if !text.contains("://") => Ok(path),
        _ => Err(Error::usage(format!("{text:?} is no path of a page"))
            .expected("a path such as /jupyter or /notebook/NAMESPACE/NAME/")),
    }
}

fn show(session: &Session, arguments: &cli::Open, url: &str, way: Way, object: &str) {
    match session.printer.output {
        Output::Text => session.printer.line(url),
        _ if arguments.url => session.printer.json(&json!(url)),
        _ => session.printer.json(&json!({"url": url, "way": way, "object": object})),
    }
}

/// Opens a browser for whoever sits at a terminal. Two programs do that wherever one can sit, so no library is needed.
async fn browse(session: &Session, arguments: &cli::Open, url: &str) {
    if arguments.no_browser || arguments.url || !session.printer.is_seen() {
        return;
    }
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = tokio::process::Command::new(program);
    let started = command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let opened = match started {
        // Where it has become the browser itself, it goes on as long as that does.
        Ok(mut child) => {
            tokio::time::timeout(PATIENCE, child.wait()).await.map_or(true, |ended| ended.is_ok_and(|status| status.success()))
        }
        Err(_) => false,
    };
    if !opened {
        session.printer.note(format!("no browser could be opened by {program}: open the address yourself"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_path() {
        for (text, wanted) in
            [("/jupyter", "/jupyter"), ("jupyter", "/jupyter"), ("", "/"), ("//evil.example.com", "/evil.example.com")]
        {
            assert_eq!(path(text).unwrap(), wanted);
        }
        assert!(path("https://evil.example.com").is_err() && path("/a b").is_err());
    }
}
