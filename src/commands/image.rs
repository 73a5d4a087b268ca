//! `kfctl image`: the container image of this very binary, made, loaded and pushed without a container engine.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::Stdio;

use oci_client::Reference;
use serde_json::{Value, json};

use super::Session;
use crate::app::App;
use crate::cli::{Image as Arguments, ImageLoad, ImageTool};
use crate::error::{Error, ExitStatus, Result};
use crate::image::{Image, own, push, reference};

pub(super) async fn run(session: &Session, arguments: &Arguments) -> Result<ExitStatus> {
    let (name, what, more) = match arguments {
        Arguments::Build { archive: file, name, .. } => {
            let name = named(session, name.as_deref())?;
            let archive = image()?.archive(&name);
            std::fs::write(file, &archive).map_err(|error| Error::io("write", file, &error))?;
            (name, format!("written to {}", file.display()), json!({"file": file, "size": archive.len()}))
        }
        Arguments::Load(load) => {
            let name = named(session, load.name.as_deref())?;
            self::load(session, load, &image()?.archive(&name)).await?;
            (name, "loaded".to_owned(), json!({}))
        }
        Arguments::Push { name } => {
            let name = reference(name)?;
            let image = image()?;
            session.printer.note(format!("pushing to {}", name.registry()));
            push(&image, &name).await?;
            (name, "pushed".to_owned(), json!({"digest": image.digest()}))
        }
    };
    let mut result: Value = more;
    result["image"] = name.whole().into();
    session.printer.json(&result);
    session.printer.done(format!("image {} {what}", name.whole()));
    let set = format!("kfctl param set profiles image {}", name.whole());
    let set = (set.as_str(), "let the controller run from it");
    let apply = ("kfctl apply k8s -c profiles", "bring the cluster to it");
    match arguments {
        Arguments::Build { .. } => session.printer.next(&[
            ("kfctl image load kind", "bring it to a cluster of this machine; or minikube, or containerd"),
            ("kfctl image push REGISTRY/NAME:TAG", "bring it to a registry"),
        ]),
        // Loaded under the name that the app uses already.
        Arguments::Load(ImageLoad { name: None, .. }) => session.printer.next(&[apply]),
        _ => session.printer.next(&[set, apply]),
    }
    Ok(ExitStatus::Done)
}

fn image() -> Result<Image> {
    own::image(own::created()?)
}

/// The name from the command line, else the one that the app here runs its controller from, else the default of that.
fn named(session: &Session, name: Option<&str>) -> Result<Reference> {
    if let Some(name) = name {
        return reference(name);
    }
    let catalog = session.catalog()?;
    let component = catalog.component("profiles")?;
    let value = match App::find(Path::new(".")) {
        Ok(app) => {
            let settings = app.settings(component, catalog.platform(&app.file.platform)?)?;
            settings.into_iter().find(|setting| setting.parameter.name == "image").map(|setting| setting.value)
        }
        Err(_) => Some(component.parameter("image")?.default.clone()),
    };
    let value = value.as_ref().and_then(Value::as_str).unwrap_or_default();
    reference(value).map_err(|error| error.field("profiles.image").hint("name it with --name"))
}

/// Lets the tool take the archive.
async fn load(session: &Session, load: &ImageLoad, archive: &[u8]) -> Result<()> {
    let mut file = tempfile::Builder::new()
        .prefix("kfctl-")
        .suffix(".tar")
        .tempfile()
        .map_err(|error| Error::environment(format!("cannot make a temporary file: {error}")))?;
    file.write_all(archive).map_err(|error| Error::io("write", file.path(), &error))?;
    let (words, install) = command(load, &file.path().display().to_string());
    session.printer.note(format!("running: {}", words.join(" ")));
    let ran = tokio::process::Command::new(&words[0]).args(&words[1..]).stdin(Stdio::null()).output().await;
    let output = ran.map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::environment(format!("{} is not installed", words[0]))
            .hint(format!("{install}; or write the archive with `kfctl image build` and load it where the nodes are")),
        _ => Error::environment(format!("cannot run {}: {error}", words[0])),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let error = Error::environment(format!("{} did not take the image", words[0]));
    Err(String::from_utf8_lossy(&said).lines().fold(error, Error::detail))
}

/// The tool's own command, and where to get the tool.
fn command(load: &ImageLoad, file: &str) -> (Vec<String>, &'static str) {
    let options = |option: &str, value: Option<String>| value.map(|value| [option.to_owned(), value]).into_iter().flatten();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    match load.tool {
        ImageTool::Kind => {
            let mut line = words(&["kind", "load", "image-archive", file]);
            line.extend(options("--name", load.cluster.clone().or_else(|| cluster_of_app("kind"))));
            (line, "get it from https://kind.sigs.k8s.io")
        }
        ImageTool::Minikube => {
            let mut line = words(&["minikube", "image", "load", file]);
            line.extend(options("--profile", load.cluster.clone().or_else(|| cluster_of_app("minikube"))));
            (line, "get it from https://minikube.sigs.k8s.io")
        }
        ImageTool::Containerd => {
            let mut line = words(&["ctr"]);
            line.extend(options("--address", load.address.as_ref().map(|address| address.display().to_string())));
            line.extend(words(&["--namespace", "k8s.io", "images", "import", file]));
            (line, "it comes with containerd")
        }
    }
}

/// The cluster that the app here made with this tool: it has the app's name.
fn cluster_of_app(platform: &str) -> Option<String> {
    App::find(Path::new(".")).ok().filter(|app| app.file.platform == platform).map(|app| app.file.name)
}
