//! kfctl: one binary that turns a Kubernetes cluster into a Kubeflow shared by many people.
//!
//! The layout is the architecture. Arrows go one way, and a test holds that: a module uses what stands further right.
//!
//! ```text
//! main → commands → cli → ui, local, controllers, web, doctor, image, migration → apply, mesh, notebooks, profiles
//! → app, cluster //!      → render → catalog, api, istio → identity → sources, object, difference, serving → yaml, directories
//!      → labels, digest, error
//! ```
//!
//! | module | why it exists |
//! | --- | --- |
//! | [`commands`] | one file a verb: settings in, exit status out |
//! | [`cli`] | the command line, as types |
//! | [`ui`] | all output, progress and questions |
//! | [`local`] | the control plane of platform `local`, and the in-cluster roles as processes beside it |
//! | [`controllers`] | what runs in the cluster |
//! | [`web`] | the web UI: pages for people, the same as JSON for programs |
//! | [`doctor`] | what is wrong with a cluster, and what to do about it |
//! | [`image`] | container images, made without a container engine |
//! | [`migration`] | the profiles of today's Kubeflow, taken over with their namespaces as they are |
//! | [`apply`] | the one way to write to a cluster |
//! | [`mesh`] | the way into a cluster's mesh: where its gateway answers |
//! | [`notebooks`] | what people do with notebooks, with their own rights |
//! | [`profiles`] | what people do with profiles, with their own rights |
//! | [`app`] | the app directory: what the admin decides, brings and reviews |
//! | [`cluster`] | the connection, what the server serves, and what its refusals mean |
//! | [`render`] | templates and overlays: the only door to manifests |
//! | [`catalog`] | components and platforms, as data |
//! | [`api`] | our own kinds: types, rules, definitions |
//! | [`istio`] | what Istio does with a request: whether a token is proved, and which policy decides |
//! | [`identity`] | who sends a request: a token proved by its issuer's keys |
//! | [`serving`] | what the roles that serve have in common |
//! | [`object`] | a Kubernetes object and its identity |
//! | [`yaml`] | the only door to YAML |
//! | [`labels`] | every label, annotation and field manager, named once |
//! | [`digest`] | sha256 as text |
//! | [`directories`] | this user's cache and state directories, and files that are there whole or not at all |
//! | [`sources`] | manifests of others' releases, pinned |
//! | [`difference`] | two versions of an object, fit to be shown |
//! | [`error`] | the one error that reaches a person, and the exit codes |

pub mod api;
pub mod app;
pub mod apply;
pub mod catalog;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod controllers;
pub mod difference;
pub mod digest;
pub mod directories;
pub mod doctor;
pub mod error;
pub mod identity;
pub mod image;
pub mod istio;
pub mod labels;
pub mod local;
pub mod mesh;
pub mod migration;
pub mod notebooks;
pub mod object;
pub mod profiles;
pub mod render;
mod serving;
pub mod sources;
pub mod ui;
pub mod web;
pub mod yaml;
