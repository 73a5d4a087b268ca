//! The command line as types, and what is wrong with one.

mod auth;
mod delete;
mod endpoint;
mod image;
mod open;
mod profile;
mod sources;
mod usage;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use auth::{Auth, AuthTest, AuthUser};
pub use delete::Delete;
pub use endpoint::{Endpoint, Service, Subjects};
pub use image::{Image, ImageLoad, ImageTool};
pub use open::Open;
pub use profile::{Place, Profile, Role, Who};
pub use sources::Sources;
pub use usage::for_programs;

use crate::ui::Output;

/// Turns a Kubernetes cluster into a Kubeflow shared by many people.
#[derive(Debug, Parser)]
#[command(
    name = "kfctl",
    version,
    about,
    propagate_version = false,
    disable_help_subcommand = true,
    after_help = "Examples:\n  kfctl quickstart                     a Kubeflow on this machine, from nothing\n  kfctl init my-kubeflow && cd my-kubeflow\n  kfctl generate k8s && kfctl apply k8s\n  kfctl param set profiles maxCpu 100 && kfctl apply k8s -c profiles"
)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: its current one]
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Answer every question with yes
    #[arg(long, short = 'y', global = true)]
    pub yes: bool,
    /// How results are printed
    #[arg(long, short = 'o', global = true, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
    /// Say more; twice shows every request
    #[arg(long, short = 'v', global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say only results and errors
    #[arg(long, short = 'q', global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// The commands, in the order of the journey.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// A Kubeflow on this machine, from nothing: makes an app, a control plane, and deploys
    #[command(
        after_help = "Examples:\n  kfctl quickstart\n  kfctl quickstart ~/my-kubeflow\n\nRun again, it continues. It touches only the cluster it makes, whatever KUBECONFIG says."
    )]
    Quickstart {
        /// Directory of the app
        #[arg(default_value = "kubeflow-quickstart")]
        directory: PathBuf,
    },
    /// Make an app directory
    #[command(
        after_help = "Examples:\n  kfctl init my-kubeflow\n  kfctl init my-kubeflow --platform local\n  kfctl init my-kubeflow --set profiles.maxCpu=100 --set profiles.maxRam=1T\n\nA platform brings namespaces, istio (an Istio that is there is used), auth (the login), profiles,\nnotebooks and dashboard (the web UI); local, which runs no mesh, leaves out istio and auth. `kfctl component enable` and `disable` choose otherwise."
    )]
    Init {
        /// Directory to make; its name becomes the app's
        directory: PathBuf,
        /// Where Kubeflow will run: none (a cluster that is there), local, kind, minikube, gcp, aws, azure
        #[arg(long, default_value = "none")]
        platform: String,
        /// Namespace of Kubeflow's components
        #[arg(long, default_value = "kubeflow")]
        namespace: String,
        /// Name of the app [default: the directory's]
        #[arg(long)]
        name: Option<String>,
        /// Set a parameter
        #[arg(long, value_name = "COMPONENT.PARAM=VALUE")]
        set: Vec<String>,
    },
    /// Render manifests into rendered/; needs no cluster
    #[command(after_help = "Examples:\n  kfctl generate\n  kfctl generate k8s\n  kfctl generate k8s --discard-edits")]
    Generate {
        /// What to render
        #[arg(value_enum, default_value_t = Scope::All)]
        scope: Scope,
        /// Render over files in rendered/ that were edited by hand
        #[arg(long)]
        discard_edits: bool,
        /// Directory of other projects' manifests, as `kfctl sources fetch` fills it
        #[arg(long, env = "KFCTL_SOURCES", value_name = "DIR")]
        sources: Option<PathBuf>,
    },
    /// Bring the cluster to what the app says
    #[command(
        after_help = "Examples:\n  kfctl apply k8s\n  kfctl apply k8s -c profiles\n  kfctl apply platform\n  kfctl apply k8s --dry-run\n  kfctl apply --yes --no-wait -o json\n\nExit codes: 0 done, 1 failed, 2 usage, 4 not ready in time, 5 wrong cluster, 130 interrupted."
    )]
    Apply(Apply),
    /// What apply would change in the cluster, object by object; changes nothing
    #[command(
        after_help = "Examples:\n  kfctl diff\n  kfctl diff -c profiles\n  kfctl diff -o json\n\nExit codes: 0 nothing to change, 1 apply would be refused, 2 usage, 3 something to change, 5 wrong cluster."
    )]
    Diff(Diff),
    /// Keep what you edited in rendered/
    #[command(subcommand, after_help = "Examples:\n  kfctl overlay save\n  kfctl overlay save -c profiles")]
    Overlay(Overlay),
    /// Read and change parameters of components
    #[command(
        subcommand,
        after_help = "Examples:\n  kfctl param list profiles\n  kfctl param set profiles maxCpu 100\n  kfctl param unset profiles maxCpu"
    )]
    Param(Param),
    /// Choose components, and bring your own
    #[command(
        subcommand,
        after_help = "Examples:\n  kfctl component list\n  kfctl component add my-operator --from operator.yaml\n  kfctl component disable my-operator"
    )]
    Component(Component),
    /// What runs in the cluster, what does not and why, and what others changed
    #[command(
        after_help = "Examples:\n  kfctl status\n  kfctl status -c profiles -v\n  kfctl status --watch\n  kfctl status --app my-kubeflow -o json\n\nWith the app directory it also says what differs from what the app wants now. Ctrl-C ends --watch, with the exit code of\nthe last state.\n\nExit codes: 0 everything is ready, 1 failed, 2 usage, 4 something is not ready, 5 wrong cluster."
    )]
    Status(Status),
    /// Check the cluster and your rights in it, and say what to do about what is wrong
    #[command(
        after_help = "Examples:\n  kfctl doctor\n  kfctl doctor --context production\n  kfctl doctor -o json\n\nWithout an app directory it checks the cluster alone. It writes nothing.\n\nExit codes: 0 nothing is broken, 1 something is."
    )]
    Doctor,
    /// Manifests of other projects' releases, each pinned by its sha256
    #[command(
        subcommand,
        after_help = "Examples:\n  kfctl sources list\n  kfctl sources fetch mirror\n\nTaken from the mirror (--sources or KFCTL_SOURCES), the cache, or the network; never used unless they are the very bytes."
    )]
    Sources(Sources),
    /// Delete what the app has in the cluster; users' data stays
    #[command(
        after_help = "Examples:\n  kfctl delete\n  kfctl delete -c my-operator\n  kfctl delete --app my-kubeflow            without the app directory\n  kfctl delete --delete-user-data           asks for the app's name\n\nExit codes: 0 done, 1 failed, 2 usage, 4 not gone in time, 5 wrong cluster, 130 interrupted. Interrupted or killed, run it again."
    )]
    Delete(Delete),
    /// Profiles: a namespace for each user or team, with an owner and a quota
    #[command(
        subcommand,
        after_help = "Examples:\n  kfctl profile create jane --user jane@foo.com\n  kfctl profile share jane --user bob@acme.com\n  kfctl profile quota jane"
    )]
    Profile(Profile),
    /// Endpoints: models and other Services that the gateway leads to, and who may use them
    #[command(
        subcommand,
        after_help = "Examples:\n  kfctl endpoint allow mnist -n kubeflow-jane --user bob@acme.com\n  kfctl endpoint list -n kubeflow-jane\n  kfctl endpoint revoke mnist -n kubeflow-jane --all"
    )]
    Endpoint(Endpoint),
    /// Who may log in by Dex, the login of component auth
    #[command(
        subcommand,
        after_help = "Examples:\n  kfctl auth user add jane@acme.com\n  kfctl auth user list\n  kfctl auth rotate-password"
    )]
    Auth(Auth),
    /// Open Kubeflow in a browser, by a port of this machine where nothing exposes it
    #[command(
        after_help = "Examples:\n  kfctl open\n  kfctl open /notebook/kubeflow-jane/my-notebook/\n  kfctl open --url\n  kfctl open --no-browser -o json\n\nThe address: the gateway's host, its load balancer, an Ingress before it, or a port of a node. It opens a browser on a terminal\nalone. A port of this machine is there until Ctrl-C, and finds another pod where its own goes."
    )]
    Open(Open),
    /// The control plane of platform local
    #[command(subcommand, after_help = "Examples:\n  kfctl local status\n  kfctl local stop\n  kfctl local start")]
    Local(Local),
    /// The container image of this binary: build, load, push; no container engine needed
    #[command(
        subcommand,
        after_help = "Examples:\n  kfctl image build -o kfctl.tar\n  kfctl image load kind\n  kfctl image push registry.example.com/team/kfctl:0.1.0"
    )]
    Image(Image),
    /// Run the controller of profiles (in the cluster, or as a process of platform local)
    #[command(after_help = "Examples:\n  kfctl controller --probes 127.0.0.1:8081 --metrics 127.0.0.1:8080")]
    Controller {
        /// Address of /livez, /healthz and /readyz
        #[arg(long, default_value = "0.0.0.0:8081", value_name = "ADDRESS")]
        probes: std::net::SocketAddr,
        /// Address of /metrics
        #[arg(long, default_value = "0.0.0.0:8080", value_name = "ADDRESS")]
        metrics: std::net::SocketAddr,
    },
    /// Run the web UI (in the cluster, or as a process of platform local)
    #[command(
        after_help = "Examples:\n  kfctl web --listen 127.0.0.1:8082 --trial\n  kfctl web --tokens\n\nIt acts for people only: on the API server it is whoever is logged in."
    )]
    Web(Web),
    /// Print completions for a shell
    #[command(
        after_help = "Examples:\n  kfctl completions bash > /etc/bash_completion.d/kfctl\n  kfctl completions fish > ~/.config/fish/completions/kfctl.fish"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print versions
    #[command(after_help = "Examples:\n  kfctl version\n  kfctl version -o json")]
    Version,
}

/// `web`.
#[derive(Debug, Clone, Args)]
pub struct Web {
    /// Address of the pages and of /api
    #[arg(long, default_value = "0.0.0.0:8082", value_name = "ADDRESS")]
    pub listen: std::net::SocketAddr,
    /// Address of /livez, /healthz and /readyz
    #[arg(long, default_value = "0.0.0.0:8081", value_name = "ADDRESS")]
    pub probes: std::net::SocketAddr,
    /// Address of /metrics
    #[arg(long, default_value = "0.0.0.0:8080", value_name = "ADDRESS")]
    pub metrics: std::net::SocketAddr,
    /// Send the users' own tokens to the API server, which then has to trust their issuer; without it the server is told who asks
    #[arg(long, conflicts_with = "trial")]
    pub tokens: bool,
    /// Let everybody choose who they are: for trying out, on an address of this machine alone
    #[arg(long)]
    pub trial: bool,
}

/// What `generate` and `apply` work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    /// What runs in the cluster
    K8s,
    /// The cluster itself
    Platform,
    /// Both, the cluster first
    All,
}

/// `apply`.
#[derive(Debug, Clone, Args)]
pub struct Apply {
    /// What to apply
    #[arg(value_enum, default_value_t = Scope::All)]
    pub scope: Scope,
    /// Only this component; may be given several times
    #[arg(long = "component", short = 'c', value_name = "COMPONENT")]
    pub components: Vec<String>,
    /// Write, and don't wait for anything to become ready
    #[arg(long)]
    pub no_wait: bool,
    /// How long to wait for everything to become ready
    #[arg(long, default_value = "10m", value_name = "DURATION", value_parser = duration)]
    pub timeout: std::time::Duration,
    /// Take fields over from other managers, this once
    #[arg(long)]
    pub force_conflicts: bool,
    /// Whether to delete what is no longer part of the app
    #[arg(long, value_enum, default_value_t = Prune::Ask)]
    pub prune: Prune,
    /// Directory of other projects' manifests, as `kfctl sources fetch` fills it
    #[arg(long, env = "KFCTL_SOURCES", value_name = "DIR")]
    pub sources: Option<PathBuf>,
    /// Print the steps and how each object was checked; write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `diff`.
#[derive(Debug, Clone, Args)]
pub struct Diff {
    /// Only this component; may be given several times
    #[arg(long = "component", short = 'c', value_name = "COMPONENT")]
    pub components: Vec<String>,
    /// As apply --force-conflicts would change it
    #[arg(long)]
    pub force_conflicts: bool,
    /// Directory of other projects' manifests, as `kfctl sources fetch` fills it
    #[arg(long, env = "KFCTL_SOURCES", value_name = "DIR")]
    pub sources: Option<PathBuf>,
}

/// `overlay`.
#[derive(Debug, Subcommand)]
pub enum Overlay {
    /// Turn edits of files in rendered/ into overlays, which are merged over every new rendering
    #[command(
        after_help = "Examples:\n  kfctl overlay save\n  kfctl overlay save -c profiles\n\nIt writes overlays/COMPONENT/ and changes nothing in the cluster."
    )]
    Save {
        /// Only this component; may be given several times
        #[arg(long = "component", short = 'c', value_name = "COMPONENT")]
        components: Vec<String>,
        /// Directory of other projects' manifests, as `kfctl sources fetch` fills it
        #[arg(long, env = "KFCTL_SOURCES", value_name = "DIR")]
        sources: Option<PathBuf>,
    },
}

/// What happens to objects that left the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Prune {
    /// Show them and ask; with nobody to ask they stay
    Ask,
    /// Delete them
    Yes,
    /// Leave them
    No,
}

/// `status`.
#[derive(Debug, Clone, Args)]
pub struct Status {
    /// Only this component; may be given several times
    #[arg(long = "component", short = 'c', value_name = "COMPONENT")]
    pub components: Vec<String>,
    /// Name of the app, where its directory is not at hand
    #[arg(long, value_name = "NAME")]
    pub app: Option<String>,
    /// Show every change until Ctrl-C
    #[arg(long, short = 'w')]
    pub watch: bool,
}

fn duration(text: &str) -> Result<std::time::Duration, String> {
    crate::catalog::parse_duration(text).ok_or_else(|| "expected a duration such as 90s, 10m or 1h30m".to_owned())
}

/// `param`.
#[derive(Debug, Subcommand)]
pub enum Param {
    /// Set a parameter in app.yaml
    #[command(after_help = "Examples:\n  kfctl param set profiles maxCpu 100\n  kfctl param set profiles maxRam 1Tb")]
    Set {
        /// The component
        component: String,
        /// The parameter
        parameter: String,
        /// Its value
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Print the value that holds
    #[command(after_help = "Examples:\n  kfctl param get profiles maxCpu")]
    Get {
        /// The component
        component: String,
        /// The parameter
        parameter: String,
    },
    /// List parameters: value, default, type and meaning
    #[command(after_help = "Examples:\n  kfctl param list\n  kfctl param list profiles")]
    List {
        /// The component [default: all that run]
        component: Option<String>,
    },
    /// Return a parameter to its default
    #[command(after_help = "Examples:\n  kfctl param unset profiles maxCpu")]
    Unset {
        /// The component
        component: String,
        /// The parameter
        parameter: String,
    },
}

/// `component`.
#[derive(Debug, Subcommand)]
pub enum Component {
    /// List components
    #[command(after_help = "Examples:\n  kfctl component list")]
    List,
    /// Copy manifests into components/NAME/; from then on they are deployed like a built-in component
    #[command(
        after_help = "Examples:\n  kfctl component add my-operator --from operator.yaml\n  kfctl component add kubeflow --from kubeflow.yaml.gz\n  kfctl component add my-operator --from https://example.com/operator.yaml --sha256 HASH"
    )]
    Add {
        /// Name of the component
        name: String,
        /// A file (also .gz), a directory of manifests, a kustomization, or a URL
        #[arg(long, value_name = "FILE|DIR|URL")]
        from: String,
        /// The sha256 that the file must have
        #[arg(long, value_name = "HASH")]
        sha256: Option<String>,
    },
    /// Remove a component of your own from the app
    #[command(after_help = "Examples:\n  kfctl component remove my-operator")]
    Remove {
        /// Name of the component
        name: String,
    },
    /// Run a component
    #[command(after_help = "Examples:\n  kfctl component enable profiles")]
    Enable {
        /// Name of the component
        name: String,
    },
    /// Don't run a component
    #[command(after_help = "Examples:\n  kfctl component disable profiles")]
    Disable {
        /// Name of the component
        name: String,
    },
    /// Show what a component is and brings
    #[command(after_help = "Examples:\n  kfctl component show profiles")]
    Show {
        /// Name of the component
        name: String,
    },
}

/// `local`.
#[derive(Debug, Subcommand)]
pub enum Local {
    /// Start what does not run
    #[command(after_help = "Examples:\n  kfctl local start")]
    Start,
    /// Stop everything; nothing is lost
    #[command(after_help = "Examples:\n  kfctl local stop")]
    Stop,
    /// What runs
    #[command(after_help = "Examples:\n  kfctl local status")]
    Status,
    /// Print the end of a process's log
    #[command(after_help = "Examples:\n  kfctl local logs\n  kfctl local logs kube-apiserver")]
    Logs {
        /// The process [default: where each log is]
        process: Option<String>,
    },
    /// Stop everything and delete the cluster's data
    #[command(after_help = "Examples:\n  kfctl local reset --yes")]
    Reset,
}
