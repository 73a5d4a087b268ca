//! `image`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::ui::Output;

/// `image`.
#[derive(Debug, Subcommand)]
pub enum Image {
    /// Write the image as an archive that containerd, kind, minikube, docker and podman load
    #[command(
        after_help = "Examples:\n  kfctl image build\n  kfctl image build -o kfctl.tar --name registry.example.com/team/kfctl:0.1.0\n\nThe same binary gives the same bytes; SOURCE_DATE_EPOCH dates them."
    )]
    Build {
        /// The archive
        #[arg(long = "output", short = 'o', value_name = "FILE", default_value = "kfctl.tar")]
        archive: PathBuf,
        /// The image's name [default: parameter profiles.image of the app here, else its default]
        #[arg(long, value_name = "REGISTRY/NAME:TAG")]
        name: Option<String>,
        // The global option has another long name here, as -o and --output are the archive's.
        /// How results are printed
        #[arg(id = "output", long = "format", value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
        format: Output,
    },
    /// Bring the image to the node of a cluster on this machine
    #[command(
        after_help = "Examples:\n  kfctl image load kind\n  kfctl image load kind --cluster my-kubeflow\n  kfctl image load minikube\n  kfctl image load containerd                 on the node itself, as root"
    )]
    Load(ImageLoad),
    /// Push the image to a registry, with the credentials of `docker login`
    #[command(after_help = "Examples:\n  kfctl image push registry.example.com/team/kfctl:0.1.0")]
    Push {
        /// Where to
        #[arg(value_name = "REGISTRY/NAME:TAG")]
        name: String,
    },
}

/// `image load`.
#[derive(Debug, Clone, Args)]
pub struct ImageLoad {
    /// The tool that loads it
    #[arg(value_enum)]
    pub tool: ImageTool,
    /// Cluster of kind or profile of minikube [default: the app's here, else the tool's own]
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// Socket of containerd [default: ctr's own]
    #[arg(long, value_name = "SOCKET")]
    pub address: Option<PathBuf>,
    /// The image's name [default: parameter profiles.image of the app here, else its default]
    #[arg(long, value_name = "REGISTRY/NAME:TAG")]
    pub name: Option<String>,
}

/// What `image load` runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImageTool {
    /// kind load image-archive
    Kind,
    /// minikube image load
    Minikube,
    /// ctr -n k8s.io images import
    Containerd,
}
