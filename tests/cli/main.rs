//! What people see: the real binary, its exit code, its output and its errors, with no cluster.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]
#![allow(clippy::print_stderr, reason = "a test says aloud what it skips")]

mod answers;
mod app_file;
mod architecture;
mod auth;
mod bad_input;
mod cluster;
mod component;
mod component_choice;
mod corpora;
mod endpoint;
mod generate;
mod harness;
mod help;
mod image;
mod init;
mod json;
mod machine;
mod overlay;
mod param;
mod properties;
mod release;
mod sources;
mod terminal;
