//! The floor: the least that puts the objects in. All of them are sent at once by server-side apply, and again while what they need
//! isn't there. Nothing is checked, compared, ordered or awaited.

use std::path::Path;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use kfctl::cluster::{Connection, Discovery, Resource, Target};
use kfctl::object::{Object, objects};
use kfctl::yaml;

const CONCURRENCY: usize = 16;

#[tokio::main]
pub(crate) async fn apply(kubeconfig: &Path, manifests: &Path) {
    rustls::crypto::ring::default_provider().install_default().expect("the only one");
    let documents = yaml::documents(&yaml::read(manifests).expect("a file"), manifests).expect("YAML");
    let mut objects = objects(documents, manifests).expect("objects");
    let target = Target { kubeconfig: Some(kubeconfig.to_owned()), context: None };
    let connection = Connection::open(&target).await.expect("a cluster");
    let mut discovery = Discovery::read(&connection).await.expect("a server");
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
            connection.apply(&path, &object.content).await.err().map(|failure| (object, failure.message))
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
