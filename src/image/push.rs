//! Brings an image to a registry, with the credentials that docker, podman and their helpers keep.

use std::net::IpAddr;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};

use super::{Image, MANIFEST};
use crate::error::{Error, Result};

/// Pushes the image to the place that `name` says: what the registry has already is not sent again.
pub async fn push(image: &Image, name: &Reference) -> Result<()> {
    let host = name.resolve_registry();
    let protocol = if is_this_machine(host) { ClientProtocol::Http } else { ClientProtocol::Https };
    let client = Client::new(ClientConfig { protocol, ..ClientConfig::default() });
    let failed = |error| explain(name, error);
    client.auth(name, &credentials(name)?, RegistryOperation::Push).await.map_err(failed)?;
    for blob in [&image.layer, &image.config] {
        if !client.blob_exists(name, &blob.digest).await.map_err(failed)? {
            client.push_blob(name, blob.content.clone(), &blob.digest).await.map_err(failed)?;
        }
    }
    let media_type = http::HeaderValue::from_static(MANIFEST);
    client.push_manifest_raw(name, image.manifest.content.clone(), media_type).await.map_err(failed)?;
    Ok(())
}

/// A registry on this machine needs no TLS, as docker has it.
fn is_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name.trim_matches(['[', ']']).parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn credentials(name: &Reference) -> Result<RegistryAuth> {
    // Docker keeps its own registry's password under an older address.
    let server = if name.registry() == "docker.io" { "https://index.docker.io/v1/" } else { name.registry() };
    match docker_credential::get_credential(server) {
        Ok(DockerCredential::UsernamePassword(user, password)) => Ok(RegistryAuth::Basic(user, password)),
        Ok(DockerCredential::IdentityToken(_)) => {
            Err(Error::environment(format!("the credentials for {server} are an identity token, which kfctl can't use"))
                .hint(format!("log in with an access token in the place of a password: `docker login {}`", name.registry())))
        }
        Err(
            CredentialRetrievalError::NoCredentialConfigured
            | CredentialRetrievalError::ConfigNotFound
            | CredentialRetrievalError::ConfigReadError,
        ) => Ok(RegistryAuth::Anonymous),
        // A helper's output can hold a secret: only its name is told.
        Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
            Err(Error::environment(format!("docker-credential-{helper} gives no credentials for {server}"))
                .hint(format!("log in again: `docker login {}`", name.registry())))
        }
        Err(error) => Err(Error::environment(format!("the credentials for {server} can't be used: {error}"))
            .hint(format!("they stand in ~/.docker/config.json; log in again: `docker login {}`", name.registry()))),
    }
}

fn explain(name: &Reference, error: OciDistributionError) -> Error {
    use OciErrorCode::{Denied, Unauthorized};
    let refused = match &error {
        OciDistributionError::UnauthorizedError { .. } | OciDistributionError::AuthenticationFailure(_) => true,
        OciDistributionError::ServerError { code, .. } => matches!(code, 401 | 403),
        OciDistributionError::RequestError(error) => error.status().is_some_and(|status| matches!(status.as_u16(), 401 | 403)),
        OciDistributionError::RegistryError { envelope, .. } => {
            envelope.errors.iter().any(|error| matches!(error.code, Denied | Unauthorized))
        }
        _ => false,
    };
    if refused {
        return Error::environment(format!("{} does not let you push {}", name.registry(), name.whole()))
            .detail(error.to_string())
            .hint(format!("log in with an account that may write there: `docker login {}`", name.registry()));
    }
    if let OciDistributionError::RequestError(error) = &error {
        return Error::environment(format!("cannot reach the registry {}", name.resolve_registry()))
            .detail(crate::cluster::root_cause(error))
            .hint("is the name right? It starts with the registry's host: REGISTRY/NAME:TAG");
    }
    Error::environment(format!("{} did not take {}", name.registry(), name.whole())).detail(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_without_tls() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["registry.example.com", "localhost.example.com:5000", "10.0.0.1:5000", "docker.io"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
