//! Container images, made without a container engine: files and a configuration in, an OCI image out, the same byte for byte each time.
//! [`program`] reads what a binary needs to start, [`own`] is the image of kfctl itself, [`push`] brings one to a registry.

mod files;
pub mod own;
mod program;
mod push;

use std::collections::BTreeMap;
use std::io::Write;

use flate2::{Compression, GzBuilder};
use oci_client::Reference;
use serde_json::{Value, json};

pub use files::{Content, Entry, Files};
pub use program::Program;
pub use push::push;

use crate::digest::sha256;
use crate::error::{Error, Result};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// How containers of an image start, and what it says of itself.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// As the OCI specification names it, such as `amd64`.
    pub architecture: String,
    /// The command; a container's arguments follow it.
    pub entrypoint: Vec<String>,
    /// Variables, each `NAME=VALUE`.
    pub environment: Vec<String>,
    /// Whom it runs as, `UID:GID`.
    pub user: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The time of everything in it, in seconds since 1970.
    pub created: u64,
}

/// Bytes that are known by their digest.
#[derive(Debug, Clone)]
pub struct Blob {
    media_type: &'static str,
    /// `sha256:` and the digest.
    pub digest: String,
    /// The bytes.
    pub content: Vec<u8>,
}

impl Blob {
    fn new(media_type: &'static str, content: Vec<u8>) -> Self {
        Self { media_type, digest: format!("sha256:{}", sha256(&content)), content }
    }

    fn json(media_type: &'static str, value: &Value) -> Self {
        Self::new(media_type, value.to_string().into_bytes())
    }

    fn descriptor(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest, "size": self.content.len()})
    }

    /// Its place in an archive.
    fn path(&self) -> String {
        format!("blobs/{}", self.digest.replace(':', "/"))
    }
}

/// An image of one layer.
#[derive(Debug)]
pub struct Image {
    architecture: String,
    layer: Blob,
    config: Blob,
    manifest: Blob,
}

impl Image {
    /// Packs files into a layer, and describes it.
    pub fn new(files: &Files, config: &Config) -> Result<Self> {
        let created = i64::try_from(config.created)
            .ok()
            .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
            .ok_or_else(|| Error::usage(format!("{} seconds since 1970 is no time of this calendar", config.created)))?;
        let tar = files.tar(config.created);
        // The fastest: it takes a third of the default's time, and the layer is a little larger.
        let mut gzip = GzBuilder::new().write(Vec::new(), Compression::fast());
        let packed = gzip.write_all(&tar).and_then(|()| gzip.finish()).expect("memory takes what is written");
        let layer = Blob::new(LAYER, packed);
        let config_blob = Blob::json(
            CONFIG,
            &json!({
                "architecture": config.architecture,
                "os": "linux",
                "created": created.to_string(),
                "config": {
                    "Entrypoint": config.entrypoint, "Env": config.environment, "User": config.user, "WorkingDir": "/", "Labels": config.labels,
                },
                "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", sha256(&tar))]},
                "history": [{"created": created.to_string(), "created_by": "kfctl image build"}],
            }),
        );
        let manifest = Blob::json(
            MANIFEST,
            &json!({
                "schemaVersion": 2, "mediaType": MANIFEST, "config": config_blob.descriptor(), "layers": [layer.descriptor()],
            }),
        );
        Ok(Self { architecture: config.architecture.clone(), layer, config: config_blob, manifest })
    }

    /// The digest by which the image is known: its manifest's.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.manifest.digest
    }

    /// An archive that names the image: an OCI layout (containerd, kind, podman), which is a docker archive as well.
    #[must_use]
    pub fn archive(&self, name: &Reference) -> Vec<u8> {
        let mut descriptor = self.manifest.descriptor();
        descriptor["platform"] = json!({"os": "linux", "architecture": self.architecture});
        descriptor["annotations"] = json!({
            "io.containerd.image.name": name.whole(), "org.opencontainers.image.ref.name": name.tag().unwrap_or("latest"),
        });
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor]});
        let docker = json!([{"Config": self.config.path(), "RepoTags": [name.whole()], "Layers": [self.layer.path()]}]);
        let mut files = Files::default();
        for blob in [&self.layer, &self.config, &self.manifest] {
            files.file(&blob.path(), 0o644, blob.content.clone());
        }
        files.file("index.json", 0o644, index.to_string());
        files.file("manifest.json", 0o644, docker.to_string());
        files.file("oci-layout", 0o644, json!({"imageLayoutVersion": "1.0.0"}).to_string());
        files.tar(0)
    }
}

/// Reads `[REGISTRY/]NAME:TAG`.
pub fn reference(text: &str) -> Result<Reference> {
    let expected = |error: Error| error.expected("REGISTRY/NAME:TAG, such as registry.example.com/team/kfctl:0.1.0");
    let reference: Reference =
        text.parse().map_err(|error| expected(Error::usage(format!("{text:?} does not name an image: {error}"))))?;
    if reference.digest().is_some() {
        return Err(expected(Error::usage(format!("{text} names an image by its digest, which only the image itself decides"))));
    }
    Ok(reference)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn image() -> Image {
        let mut files = Files::default();
        files.file("/usr/bin/app", 0o755, "#!/bin/sh\n");
        files.directory("tmp", 0o1777);
        files.link("bin", "usr/bin");
        let config = Config {
            architecture: "arm64".into(),
            entrypoint: vec!["/usr/bin/app".into()],
            user: "65532:65532".into(),
            created: 86400,
            ..Config::default()
        };
        Image::new(&files, &config).unwrap()
    }

    fn unpack(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let mut archive = tar::Archive::new(archive);
        let entries = archive.entries().unwrap().map(Result::unwrap).filter(|entry| entry.header().entry_type().is_file());
        entries
            .map(|mut entry| {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                (entry.path().unwrap().display().to_string(), content)
            })
            .collect()
    }

    /// What a descriptor points to, with its size and digest checked.
    fn follow(files: &BTreeMap<String, Vec<u8>>, descriptor: &Value) -> Vec<u8> {
        let digest = descriptor["digest"].as_str().unwrap();
        let content = &files[&format!("blobs/{}", digest.replace(':', "/"))];
        assert_eq!(format!("sha256:{}", sha256(content)), digest);
        assert_eq!(descriptor["size"], content.len());
        content.clone()
    }

    #[test]
    fn every_digest_and_size_in_an_archive_is_true() {
        let files = unpack(&image().archive(&reference("example.com/team/app:1.0").unwrap()));
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
        let index = json(&files["index.json"]);
        let entry = &index["manifests"][0];
        assert_eq!(entry["annotations"]["io.containerd.image.name"], "example.com/team/app:1.0");
        assert_eq!(entry["annotations"]["org.opencontainers.image.ref.name"], "1.0");
        assert_eq!(entry["platform"], json!({"os": "linux", "architecture": "arm64"}));
        let manifest = json(&follow(&files, entry));
        let config = json(&follow(&files, &manifest["config"]));
        assert_eq!((&config["config"]["User"], &config["created"]), (&json!("65532:65532"), &json!("1970-01-02T00:00:00Z")));
        let mut layer = Vec::new();
        let packed = follow(&files, &manifest["layers"][0]);
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut layer).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"], json!([format!("sha256:{}", sha256(&layer))]));
        assert_eq!(unpack(&layer), BTreeMap::from([("usr/bin/app".to_owned(), b"#!/bin/sh\n".to_vec())]));
        // The docker archive beside it says the same.
        let docker = json(&files["manifest.json"]);
        assert_eq!(docker[0]["RepoTags"], json!(["example.com/team/app:1.0"]));
        assert_eq!(json(&files[docker[0]["Config"].as_str().unwrap()]), config);
        assert_eq!(files[docker[0]["Layers"][0].as_str().unwrap()], packed);
        assert_eq!(files.len(), 6);
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let name = reference("app:1.0").unwrap();
        assert_eq!(sha256(&image().archive(&name)), sha256(&image().archive(&name)));
        // Known once, held from then on: another day, another machine.
        assert_eq!(image().digest(), "sha256:c660e0737e822b52c6d108ffc456de661a8f3972032203740f21b9904c060b3a");
    }

    #[test]
    fn names_are_completed_as_containerd_does_and_digests_refused() {
        assert_eq!(reference("kfctl:dev").unwrap().whole(), "docker.io/library/kfctl:dev");
        assert_eq!(reference("localhost:5000/kfctl").unwrap().whole(), "localhost:5000/kfctl:latest");
        for wrong in ["UPPER:1", "a b", "", &format!("app@sha256:{}", "0".repeat(64))] {
            assert!(reference(wrong).unwrap_err().to_string().contains("; expected REGISTRY/NAME:TAG"), "{wrong}");
        }
    }
}
