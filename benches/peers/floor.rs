//! The floor: the least that puts the objects in. All of them are sent at once by server-side apply, and again while what they need
//! isn't there. Nothing is compared, ordered or awaited, and nothing is checked, unless a dry-run of all that the server can already
//! try is asked for: kfctl's promise to write nothing that is refused costs at least that.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use kfctl::cluster::{Connection, Discovery, Part, Resource, Target};
use kfctl::object::{Object, objects};
use kfctl::yaml;

const CONCURRENCY: usize = 16;

#[tokio::main]
pub(crate) async fn apply(kubeconfig: &Path, manifests: &Path, dry_run_first: bool) {
    rustls::crypto::ring::default_provider().install_default().expect("the only one");
    let documents = yaml::documents(&yaml::read(manifests).expect("a file"), manifests).expect("YAML");
    let mut objects = objects(documents, manifests).expect("objects");
    let target = Target { kubeconfig: Some(kubeconfig.to_owned()), context: None };
    let connection = Connection::open(&target).await.expect("a cluster");
    let mut discovery = Discovery::read(&connection).await.expect("a server");
    if dry_run_first {
        dry_run(&connection, &discovery, &objects).await;
    }
    for definition in objects.iter().filter(|object| object.id.kind == "CustomResourceDefinition") {
        let versions =
            definition.content.pointer("/spec/versions").and_then(|versions| versions.as_array()).into_iter().flatten();
        for name in versions.filter_map(|version| version.get("name")?.as_str()) {
            discovery.insert(Resource::from_definition(&definition.content, Some(name)).expect("a definition"));
        }
    }
    objects.sort_by_key(|object| match object.id.kind.as_str() {
        "Namespace" => 0,
        "CustomResourceDefinition" => 1,
        _ => 2,
    });
    let send = |object: Object| {
        let (connection, discovery) = (&connection, &discovery);
        async move {
            let resource = discovery.resource(&object).unwrap_or_else(|| panic!("no kind for {}", object.id));
            let path = format!("{}?fieldManager=floor&force=true", resource.object_path(&object.id));
            connection.apply(&path, &object.content, Part::Metadata).await.err().map(|failure| (object, failure.message))
        }
    };
    for _ in 0..1000 {
        let refused: Vec<(Object, String)> = stream::iter(std::mem::take(&mut objects))
            .map(send)
            .buffer_unordered(CONCURRENCY)
            .filter_map(std::future::ready)
            .collect()
            .await;
        if refused.is_empty() {
            return;
        }
        objects = refused.into_iter().map(|(object, _)| object).collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never in: {}", objects[0].id);
}

/// Tries what has its kind already; in namespace default where its own does not exist yet.
async fn dry_run(connection: &Connection, discovery: &Discovery, objects: &[Object]) {
    let namespaces = connection.read_metadata("/api/v1/namespaces").await.expect("namespaces");
    let namespaces: HashSet<&str> =
        namespaces.iter().filter_map(|namespace| namespace.pointer("/metadata/name")?.as_str()).collect();
    let tried = objects.iter().filter_map(|object| Some((object, discovery.resource(object)?))).map(|(object, resource)| {
        let mut id = object.id.clone();
        let mut content = std::borrow::Cow::Borrowed(&*object.content);
        if resource.namespaced && !namespaces.contains(id.namespace.as_str()) {
            id.namespace = "default".into();
            content.to_mut()["metadata"]["namespace"] = "default".into();
        }
        async move {
            let path = format!("{}?fieldManager=floor&force=true&dryRun=All", resource.object_path(&id));
            connection.apply(&path, &content, Part::Metadata).await
        }
    });
    let refused = stream::iter(tried).buffer_unordered(CONCURRENCY).filter_map(async |answer| answer.err());
    let refused = refused.collect::<Vec<_>>().await;
    assert!(refused.is_empty(), "{}", refused[0].message);
}
