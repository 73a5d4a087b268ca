//! The first day with pods that run: a real node, kfctl's own image in pods as they are deployed, a browser, and what can go wrong.
//!
//! Each test runs in a place apart, with namespaces of its own; `apart.rs` tells how. The mesh and the login are here as one
//! person meets them; what each request may do, `tests/mesh` shows without pods.

#![allow(clippy::print_stderr, reason = "a test says aloud what it skips, and prints its figures")]

mod apart;
#[path = "../cluster/browser.rs"]
#[allow(dead_code, reason = "the tests of the cluster use all of it")]
mod browser;
mod faults;
#[path = "../cluster/harness.rs"]
#[allow(dead_code, reason = "the tests of the cluster use all of it")]
mod harness;
mod images;
#[path = "../common/issuer.rs"]
mod issuer;
mod journey;
mod killed;
#[path = "../common/made.rs"]
#[allow(dead_code, reason = "the tests of the mesh use all of it")]
mod made;
mod mesh;
mod node;
#[path = "../cluster/oauth2.rs"]
#[allow(dead_code, reason = "the tests of the cluster use all of it")]
mod oauth2;
#[path = "../mesh/programs.rs"]
mod openid;
mod people;
#[path = "../common/process.rs"]
mod process;
mod programs;
mod rights;
mod server;
#[path = "../mesh/tools.rs"]
#[allow(dead_code, reason = "the tests of the mesh use all of it")]
mod tools;
