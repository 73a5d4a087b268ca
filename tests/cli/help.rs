//! Help, versions and completions.

use std::io::Read;
use std::process::Stdio;

use insta::assert_snapshot;

use crate::harness::Sandbox;

const COMMANDS: &[&str] = &[
    "",
    "quickstart",
    "init",
    "generate",
    "apply",
    "diff",
    "overlay",
    "overlay save",
    "param",
    "param set",
    "param get",
    "param list",
    "param unset",
    "component",
    "component list",
    "component add",
    "component remove",
    "component enable",
    "component disable",
    "component show",
    "status",
    "doctor",
    "sources",
    "sources list",
    "sources fetch",
    "local",
    "local start",
    "local stop",
    "local status",
    "local logs",
    "local reset",
    "image",
    "image build",
    "image load",
    "image push",
    "profile",
    "profile create",
    "profile list",
    "profile show",
    "profile share",
    "profile unshare",
    "profile transfer",
    "profile delete",
    "profile import",
    "profile quota",
    "endpoint",
    "endpoint allow",
    "endpoint revoke",
    "endpoint list",
    "auth",
    "auth rotate-password",
    "auth test",
    "auth user",
    "auth user add",
    "auth user list",
    "auth user remove",
    "open",
    "controller",
    "web",
    "completions",
    "version",
];

#[test]
fn every_command_shows_examples() {
    let sandbox = Sandbox::new();
    for command in COMMANDS {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let help = sandbox.ok(&words);
        assert!(help.contains("Examples:\n  kfctl "), "kfctl {command} --help has no examples:\n{help}");
    }
}

#[test]
fn top_level_help() {
    assert_snapshot!(Sandbox::new().kfctl(&["--help"]), @"
    exit: 0
    --- stdout
    One binary that turns a Kubernetes cluster into a Kubeflow shared by many people

    Usage: kfctl [OPTIONS] <COMMAND>

    Commands:
      quickstart   A Kubeflow on this machine, from nothing: makes an app, a control plane, and deploys
      init         Make an app directory
      generate     Render manifests into rendered/; needs no cluster
      apply        Bring the cluster to what the app says
      diff         What apply would change in the cluster, object by object; changes nothing
      overlay      Keep what you edited in rendered/
      param        Read and change parameters of components
      component    Choose components, and bring your own
      status       What runs in the cluster, what does not and why, and what others changed
      doctor       Check the cluster and your rights in it, and say what to do about what is wrong
      sources      Manifests of other projects' releases, each pinned by its sha256
      delete       Delete what the app has in the cluster; users' data stays
      profile      Profiles: a namespace for each user or team, with an owner and a quota
      endpoint     Endpoints: models and other Services that the gateway leads to, and who may use them
      auth         Who may log in by Dex, the login of component auth
      open         Open Kubeflow in a browser, by a port of this machine where nothing exposes it
      local        The control plane of platform local
      image        The container image of this binary: build, load, push; no container engine needed
      controller   Run the controller of profiles (in the cluster, or as a process of platform local)
      web          Run the web UI (in the cluster, or as a process of platform local)
      completions  Print completions for a shell
      version      Print versions

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Global options:
          --kubeconfig <FILE>
              kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]

          --context <NAME>
              Context of the kubeconfig [default: its current one]

      -y, --yes
              Answer every question with yes

      -o, --output <FORMAT>
              How results are printed

              Possible values:
              - text: For people
              - json: For programs: one JSON document a line
              - yaml: For programs and people: YAML documents
              
              [default: text]

      -v, --verbose...
              Say more; twice shows every request

      -q, --quiet
              Say only results and errors

    Examples:
      kfctl quickstart                     a Kubeflow on this machine, from nothing
      kfctl init my-kubeflow && cd my-kubeflow
      kfctl generate k8s && kfctl apply k8s
      kfctl param set profiles maxCpu 100 && kfctl apply k8s -c profiles
    --- stderr
    ");
}

#[test]
fn a_mistyped_command_names_the_nearest() {
    assert_snapshot!(Sandbox::new().kfctl(&["genrate"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: unrecognized subcommand 'genrate'

      tip: a similar subcommand exists: 'generate'

    Usage: kfctl [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn quiet_and_verbose_exclude_each_other() {
    assert_snapshot!(Sandbox::new().kfctl(&["version", "-q", "-v"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: the argument '--quiet' cannot be used with '--verbose...'

    Usage: kfctl version --quiet

    For more information, try '--help'.
    ");
}

#[test]
fn version_as_text_and_json() {
    assert_snapshot!(Sandbox::new().kfctl(&["version"]), @"
    exit: 0
    --- stdout
    kfctl 0.1.0
    --- stderr
    ");
    assert_snapshot!(Sandbox::new().kfctl(&["version", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"commit":null,"version":"0.1.0"}
    --- stderr
    "#);
}

#[test]
fn completions_of_an_unknown_shell() {
    assert_snapshot!(Sandbox::new().kfctl(&["completions", "tcsh"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: invalid value 'tcsh' for '<SHELL>'
      [possible values: bash, elvish, fish, powershell, zsh]

      tip: a similar value exists: 'zsh'

    For more information, try '--help'.
    ");
}

/// With `KFCTL_UPDATE=1` the files are written instead.
#[test]
fn completions_are_those_kept_in_the_repository() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    let files = [
        ("bash", "kfctl.bash"),
        ("zsh", "_kfctl"),
        ("fish", "kfctl.fish"),
        ("powershell", "_kfctl.ps1"),
        ("elvish", "kfctl.elv"),
    ];
    for (shell, file) in files {
        let printed = Sandbox::new().ok(&["completions", shell]);
        if std::env::var_os("KFCTL_UPDATE").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(file), &printed).unwrap();
        }
        let kept = std::fs::read_to_string(folder.join(file)).unwrap_or_default();
        assert!(kept == printed, "completions/{file} is old: run this test with KFCTL_UPDATE=1");
    }
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    for arguments in [["completions", "zsh"].as_slice(), &["version"], &["--help"]] {
        let sandbox = Sandbox::new();
        let mut command = sandbox.command("", arguments);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let status = child.wait().unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{arguments:?}");
    }
}
