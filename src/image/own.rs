//! The image of kfctl itself: the binary, what it needs to start, and a user without rights.

use std::collections::BTreeMap;

use super::{Config, Files, Image, Program};
use crate::error::{Error, Result};

/// The user of the image, as the controller's Deployment names it.
const USER: u32 = 65532;

const BINARY: &str = "/usr/local/bin/kfctl";

/// The image of this very binary; everything in it is of the time `created`.
///
/// It holds no CA certificates: the API server is verified by the service account's.
pub fn image(created: u64) -> Result<Image> {
    let path =
        std::env::current_exe().map_err(|error| Error::environment(format!("this binary does not find itself: {error}")))?;
    let program = Program::read(&path)?;
    let labels = [
        ("title", env!("CARGO_PKG_NAME")),
        ("description", env!("CARGO_PKG_DESCRIPTION")),
        ("version", env!("CARGO_PKG_VERSION")),
        ("licenses", env!("CARGO_PKG_LICENSE")),
        ("source", env!("CARGO_PKG_REPOSITORY")),
    ];
    let config = Config {
        architecture: program.architecture.to_owned(),
        entrypoint: vec![BINARY.to_owned()],
        environment: vec!["PATH=/usr/local/bin".to_owned()],
        user: format!("{USER}:{USER}"),
        labels: labels
            .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value.to_owned()))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        created,
    };
    Image::new(&files(program), &config)
}

fn files(program: Program) -> Files {
    let mut files = Files::default();
    files.file(BINARY, 0o755, program.binary);
    for (path, content) in program.libraries {
        files.file(&path, 0o755, content);
    }
    files.file(
        "/etc/passwd",
        0o644,
        format!("root:x:0:0:root:/:/sbin/nologin\nnonroot:x:{USER}:{USER}:nonroot:/tmp:/sbin/nologin\n"),
    );
    files.file("/etc/group", 0o644, format!("root:x:0:\nnonroot:x:{USER}:\n"));
    files.directory("/tmp", 0o1777);
    files
}

/// The time that `SOURCE_DATE_EPOCH` gives to what is built, or the beginning of time.
pub fn created() -> Result<u64> {
    let Some(text) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(0) };
    text.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
        Error::usage(format!("SOURCE_DATE_EPOCH={} is no time", text.display()))
            .expected("whole seconds since 1970, such as 1767225600")
    })
}
