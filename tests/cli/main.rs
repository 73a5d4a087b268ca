//! What people see: the real binary, its exit code, its output and its errors, with no cluster.

#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod app_file;
mod architecture;
mod cluster;
mod component;
mod component_choice;
mod generate;
mod harness;
mod help;
mod init;
mod param;
mod properties;
mod release;
mod sources;
