//! kfctl: one binary that turns a Kubernetes cluster into a Kubeflow shared by many people.
//!
//! The layout is the architecture, and arrows go one way:
//!
//! ```text
//! main → cli, commands → ui, local, controllers → apply → cluster, render, app → catalog, api → object, yaml, labels, error
//! ```
//!
//! | module | why it exists |
//! | --- | --- |
//! | [`catalog`] | components and platforms, as data |
//! | [`object`] | a Kubernetes object and its identity |
//! | [`yaml`] | the only door to YAML |
//! | [`labels`] | every label, annotation and field manager, named once |
//! | [`digest`] | sha256 as text |
//! | [`directories`] | this user's cache and state directories |
//! | [`sources`] | manifests of others' releases, pinned |
//! | [`error`] | the one error that reaches a person, and the exit codes |

pub mod api;
pub mod app;
pub mod apply;
pub mod catalog;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod controllers;
pub mod digest;
pub mod directories;
pub mod error;
pub mod labels;
pub mod local;
pub mod object;
pub mod render;
pub mod sources;
pub mod ui;
pub mod yaml;
