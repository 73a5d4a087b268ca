//! The API server's certificate. Its authority signs this one certificate and no other: the authority's key is never kept.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use super::state::private_directory;
use crate::directories::store;
use crate::error::{Error, Result};

/// The names by which the API server is called: from this machine, and from pods. 10.0.0.1 is the first service address.
const NAMES: [&str; 7] = [
    "127.0.0.1",
    "10.0.0.1",
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

/// Where the certificate, its key and its authority are.
pub(super) struct Certificates {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub authority: PathBuf,
}

/// The certificates in this directory, made where there are none. They do not expire: clusters here outlive years of rest.
pub(super) fn ensure(directory: &Path) -> Result<Certificates> {
    let at = |name: &str| directory.join("certificates").join(name);
    let files = Certificates { certificate: at("server.crt"), key: at("server.key"), authority: at("authority.crt") };
    if !files.authority.exists() {
        private_directory(&directory.join("certificates"))?;
        let made = make().map_err(|error| Error::environment(format!("cannot make a certificate: {error}")))?;
        // The authority comes last: with it, all are there.
        for (path, text) in [&files.certificate, &files.key, &files.authority].into_iter().zip(made) {
            store(path, text.as_bytes())?;
        }
    }
    Ok(files)
}

/// PEM of the certificate, its key and its authority.
fn make() -> Result<[String; 3], rcgen::Error> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "kfctl local");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;
    let mut server = CertificateParams::new(NAMES.map(str::to_owned))?;
    server.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &Issuer::new(authority, authority_key))?;
    Ok([certificate.pem(), key.serialize_pem(), authority_certificate.pem()])
}
