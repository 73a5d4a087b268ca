//! The JSON API as a property-based tester sees it: Schemathesis makes requests of all kinds from the description that is served, right and
//! wrong ones, and holds each answer to it. It comes from Python's package index, as axe-core does.

use std::process::Command;
use std::time::Instant;

use kfctl::directories::cache_directory;
use serde_json::json;

use crate::harness::{free_port, say};
use crate::made::wheel;
use crate::profile_lifecycle::JANE;
use crate::web_notebooks::Rig;

/// The exact packages that it is made of.
const PACKAGES: &str = include_str!("web_programs.txt");
/// What it is told.
const SETTINGS: &str = include_str!("web_programs.toml");
/// For how many seconds it looks.
const LOOKS: &str = "45";

#[test]
fn e2e_programs_get_what_is_described() {
    let tester = wheel(&cache_directory().expect("a cache"), "schemathesis", PACKAGES, "schemathesis/cli/__init__.py");
    let packages = tester.ancestors().nth(3).expect("it is three below");
    let rig = Rig::start();
    let jane = rig.person(JANE);
    let (csrf, cookie) = (jane.csrf(), jane.cookie());
    let random = || u32::from(free_port()) * 65_536 + u32::from(free_port());
    let seed = std::env::var("KFCTL_TEST_SEED").unwrap_or_else(|_| random().to_string());
    let settings = rig.test.app.write("schemathesis.toml", SETTINGS);
    let address = format!("http://127.0.0.1:{}", rig.web.port);
    let mut command = Command::new("python3");
    command.args(["-m", "schemathesis.cli", "--config-file", &settings, "run", &format!("{address}/api/openapi.json")]);
    command.args(["--url", &address, "--seed", &seed, "--max-time", LOOKS, "--continue-on-failure", "--no-color"]);
    for header in [
        format!("Authorization: Bearer {}", rig.issuer.token(JANE, &json!({}))),
        format!("Cookie: {cookie}"),
        format!("x-csrf-token: {csrf}"),
    ] {
        command.args(["--header", &header]);
    }
    let began = Instant::now();
    let kept = tempfile::tempdir().expect("a directory");
    let said = say(command.env("PYTHONPATH", packages).current_dir(kept.path()));
    let took = began.elapsed();
    let summary = said.stdout.rsplit_once("SUMMARY").map_or(said.stdout.as_str(), |(_, summary)| summary);
    eprintln!("Schemathesis looked for {took:.0?} with seed {seed}: {summary}");
    assert_eq!(said.code, 0, "KFCTL_TEST_SEED={seed} replays it\n{}", said.all());
}
