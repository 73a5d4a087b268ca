# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kfctl_global_optspecs
    string join \n kubeconfig= context= y/yes o/output= v/verbose q/quiet h/help V/version
end

function __fish_kfctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_kfctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_kfctl_using_subcommand
    set -l cmd (__fish_kfctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c kfctl -n "__fish_kfctl_needs_command" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_needs_command" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_needs_command" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_needs_command" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_needs_command" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_needs_command" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_needs_command" -s V -l version -d 'Print version'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "quickstart" -d 'A Kubeflow on this machine, from nothing: makes an app, a control plane, and deploys'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "init" -d 'Make an app directory'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "generate" -d 'Render manifests into rendered/; needs no cluster'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "apply" -d 'Bring the cluster to what the app says'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "diff" -d 'What apply would change in the cluster, object by object; changes nothing'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "overlay" -d 'Keep what you edited in rendered/'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "param" -d 'Read and change parameters of components'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "component" -d 'Choose components, and bring your own'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "status" -d 'What runs in the cluster, what does not and why, and what others changed'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "doctor" -d 'Check the cluster and your rights in it, and say what to do about what is wrong'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "sources" -d 'Manifests of other projects\' releases, each pinned by its sha256'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "delete" -d 'Delete what the app has in the cluster; users\' data stays'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "profile" -d 'Profiles: a namespace for each user or team, with an owner and a quota'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "endpoint" -d 'Endpoints: models and other Services that the gateway leads to, and who may use them'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "auth" -d 'Who may log in by Dex, the login of component auth'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "open" -d 'Open Kubeflow in a browser, by a port of this machine where nothing exposes it'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "local" -d 'The control plane of platform local'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "image" -d 'The container image of this binary: build, load, push; no container engine needed'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "controller" -d 'Run the controller of profiles (in the cluster, or as a process of platform local)'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "web" -d 'Run the web UI (in the cluster, or as a process of platform local)'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "completions" -d 'Print completions for a shell'
complete -c kfctl -n "__fish_kfctl_needs_command" -f -a "version" -d 'Print versions'
complete -c kfctl -n "__fish_kfctl_using_subcommand quickstart" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand quickstart" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand quickstart" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand quickstart" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand quickstart" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand quickstart" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand quickstart" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand init" -l platform -d 'Where Kubeflow will run: none (a cluster that is there), local, kind, minikube, gcp, aws, azure' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand init" -l namespace -d 'Namespace of Kubeflow\'s components' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand init" -l name -d 'Name of the app [default: the directory\'s]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand init" -l set -d 'Set a parameter' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand init" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand init" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand init" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand init" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand init" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand init" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand generate" -l sources -d 'Directory of other projects\' manifests, as `kfctl sources fetch` fills it' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand generate" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand generate" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand generate" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand generate" -l discard-edits -d 'Render over files in rendered/ that were edited by hand'
complete -c kfctl -n "__fish_kfctl_using_subcommand generate" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand generate" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand generate" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand generate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand apply" -s c -l component -d 'Only this component; may be given several times' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand apply" -l timeout -d 'How long to wait for everything to become ready' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand apply" -l prune -d 'Whether to delete what is no longer part of the app' -r -f -a "ask\t'Show them and ask; with nobody to ask they stay'
yes\t'Delete them'
no\t'Leave them'"
complete -c kfctl -n "__fish_kfctl_using_subcommand apply" -l sources -d 'Directory of other projects\' manifests, as `kfctl sources fetch` fills it' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand apply" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand apply" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand apply" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand apply" -l no-wait -d 'Write, and don\'t wait for anything to become ready'
complete -c kfctl -n "__fish_kfctl_using_subcommand apply" -l force-conflicts -d 'Take fields over from other managers, this once'
complete -c kfctl -n "__fish_kfctl_using_subcommand apply" -l dry-run -d 'Print the steps and how each object was checked; write nothing'
complete -c kfctl -n "__fish_kfctl_using_subcommand apply" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand apply" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand apply" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand diff" -s c -l component -d 'Only this component; may be given several times' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand diff" -l sources -d 'Directory of other projects\' manifests, as `kfctl sources fetch` fills it' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand diff" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand diff" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand diff" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand diff" -l force-conflicts -d 'As apply --force-conflicts would change it'
complete -c kfctl -n "__fish_kfctl_using_subcommand diff" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand diff" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand diff" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and not __fish_seen_subcommand_from save" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and not __fish_seen_subcommand_from save" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and not __fish_seen_subcommand_from save" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and not __fish_seen_subcommand_from save" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and not __fish_seen_subcommand_from save" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and not __fish_seen_subcommand_from save" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and not __fish_seen_subcommand_from save" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and not __fish_seen_subcommand_from save" -f -a "save" -d 'Turn edits of files in rendered/ into overlays, which are merged over every new rendering'
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and __fish_seen_subcommand_from save" -s c -l component -d 'Only this component; may be given several times' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and __fish_seen_subcommand_from save" -l sources -d 'Directory of other projects\' manifests, as `kfctl sources fetch` fills it' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and __fish_seen_subcommand_from save" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and __fish_seen_subcommand_from save" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and __fish_seen_subcommand_from save" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and __fish_seen_subcommand_from save" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and __fish_seen_subcommand_from save" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and __fish_seen_subcommand_from save" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand overlay; and __fish_seen_subcommand_from save" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and not __fish_seen_subcommand_from set get list unset" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and not __fish_seen_subcommand_from set get list unset" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and not __fish_seen_subcommand_from set get list unset" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and not __fish_seen_subcommand_from set get list unset" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and not __fish_seen_subcommand_from set get list unset" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and not __fish_seen_subcommand_from set get list unset" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and not __fish_seen_subcommand_from set get list unset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and not __fish_seen_subcommand_from set get list unset" -f -a "set" -d 'Set a parameter in app.yaml'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and not __fish_seen_subcommand_from set get list unset" -f -a "get" -d 'Print the value that holds'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and not __fish_seen_subcommand_from set get list unset" -f -a "list" -d 'List parameters: value, default, type and meaning'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and not __fish_seen_subcommand_from set get list unset" -f -a "unset" -d 'Return a parameter to its default'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from set" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from set" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from set" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from set" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from set" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from set" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from get" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from get" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from get" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from get" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from get" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from get" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from list" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from list" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from list" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from unset" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from unset" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from unset" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from unset" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from unset" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from unset" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand param; and __fish_seen_subcommand_from unset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and not __fish_seen_subcommand_from list add remove enable disable show" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and not __fish_seen_subcommand_from list add remove enable disable show" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and not __fish_seen_subcommand_from list add remove enable disable show" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and not __fish_seen_subcommand_from list add remove enable disable show" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and not __fish_seen_subcommand_from list add remove enable disable show" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and not __fish_seen_subcommand_from list add remove enable disable show" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and not __fish_seen_subcommand_from list add remove enable disable show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and not __fish_seen_subcommand_from list add remove enable disable show" -f -a "list" -d 'List components'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and not __fish_seen_subcommand_from list add remove enable disable show" -f -a "add" -d 'Copy manifests into components/NAME/; from then on they are deployed like a built-in component'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and not __fish_seen_subcommand_from list add remove enable disable show" -f -a "remove" -d 'Remove a component of your own from the app'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and not __fish_seen_subcommand_from list add remove enable disable show" -f -a "enable" -d 'Run a component'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and not __fish_seen_subcommand_from list add remove enable disable show" -f -a "disable" -d 'Don\'t run a component'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and not __fish_seen_subcommand_from list add remove enable disable show" -f -a "show" -d 'Show what a component is and brings'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from list" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from list" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from list" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from add" -l from -d 'A file (also .gz), a directory of manifests, a kustomization, or a URL' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from add" -l sha256 -d 'The sha256 that the file must have' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from add" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from add" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from add" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from add" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from add" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from remove" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from remove" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from remove" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from remove" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from remove" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from enable" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from enable" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from enable" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from enable" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from enable" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from enable" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from enable" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from disable" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from disable" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from disable" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from disable" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from disable" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from disable" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from disable" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from show" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from show" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from show" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from show" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand component; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand status" -s c -l component -d 'Only this component; may be given several times' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand status" -l app -d 'Name of the app, where its directory is not at hand' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand status" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand status" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand status" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand status" -s w -l watch -d 'Show every change until Ctrl-C'
complete -c kfctl -n "__fish_kfctl_using_subcommand status" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand status" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand status" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand doctor" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand doctor" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand doctor" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand doctor" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand doctor" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand doctor" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and not __fish_seen_subcommand_from list fetch" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and not __fish_seen_subcommand_from list fetch" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and not __fish_seen_subcommand_from list fetch" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and not __fish_seen_subcommand_from list fetch" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and not __fish_seen_subcommand_from list fetch" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and not __fish_seen_subcommand_from list fetch" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and not __fish_seen_subcommand_from list fetch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and not __fish_seen_subcommand_from list fetch" -f -a "list" -d 'List them, and where each would be taken from'
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and not __fish_seen_subcommand_from list fetch" -f -a "fetch" -d 'Fill a directory with all of them, for a machine without a network'
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and __fish_seen_subcommand_from list" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and __fish_seen_subcommand_from list" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and __fish_seen_subcommand_from list" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and __fish_seen_subcommand_from fetch" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and __fish_seen_subcommand_from fetch" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and __fish_seen_subcommand_from fetch" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and __fish_seen_subcommand_from fetch" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and __fish_seen_subcommand_from fetch" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and __fish_seen_subcommand_from fetch" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand sources; and __fish_seen_subcommand_from fetch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand delete" -s c -l component -d 'Only this component; may be given several times' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand delete" -l app -d 'Delete the app of this name, from what the cluster itself knows; the app directory is not needed' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand delete" -l cluster-uid -d 'UID of namespace kube-system there: says that this is the right cluster, where no app directory does' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand delete" -l confirm-app -d 'The app\'s name, which --delete-user-data asks for' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand delete" -l timeout -d 'How long to wait for everything to be gone' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand delete" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand delete" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand delete" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand delete" -l delete-user-data -d 'Delete users\' data too: Profiles, Notebooks, their definitions and namespaces, volumes. Asks for the app\'s name'
complete -c kfctl -n "__fish_kfctl_using_subcommand delete" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand delete" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand delete" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -f -a "create" -d 'Make a profile: a namespace with an owner and a quota'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -f -a "list" -d 'List profiles'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -f -a "show" -d 'Show a profile: its namespace, who may use it, and its quota'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -f -a "share" -d 'Let somebody else use the namespace'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -f -a "unshare" -d 'Take back what was shared'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -f -a "transfer" -d 'Give a profile another owner; the old one loses their rights'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -f -a "delete" -d 'Delete a profile, its namespace and everything in it'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -f -a "import" -d 'Take over the profiles of today\'s Kubeflow, with their namespaces as they are'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and not __fish_seen_subcommand_from create list show share unshare transfer delete import quota" -f -a "quota" -d 'Show or change a profile\'s quota'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from create" -l user -d 'A user, letter for letter as `kubectl auth whoami` shows them' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from create" -l group -d 'A group' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from create" -l serviceaccount -d 'A service account' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from create" -l namespace -d 'The namespace that is made [default: kubeflow-NAME]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from create" -l quota -d 'A limit other than the default one; may be given several times' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from create" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from create" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from create" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from create" -l dry-run -d 'Let the server check it, and write nothing'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from create" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from list" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from list" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from show" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from show" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from show" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from share" -l namespace -d 'Its namespace, where you may not read the profile and it isn\'t kubeflow-NAME' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from share" -l user -d 'A user, letter for letter as `kubectl auth whoami` shows them' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from share" -l group -d 'A group' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from share" -l serviceaccount -d 'A service account' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from share" -l role -d 'Make them a member of the profile with this role instead; needs the right to change profiles' -r -f -a "view\t'Read'
edit\t'Read and change'
admin\t'The same as the owner'"
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from share" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from share" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from share" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from share" -l dry-run -d 'Let the server check it, and write nothing'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from share" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from share" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from share" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from share" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from unshare" -l namespace -d 'Its namespace, where you may not read the profile and it isn\'t kubeflow-NAME' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from unshare" -l user -d 'A user, letter for letter as `kubectl auth whoami` shows them' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from unshare" -l group -d 'A group' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from unshare" -l serviceaccount -d 'A service account' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from unshare" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from unshare" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from unshare" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from unshare" -l dry-run -d 'Let the server check it, and write nothing'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from unshare" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from unshare" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from unshare" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from unshare" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from transfer" -l user -d 'A user, letter for letter as `kubectl auth whoami` shows them' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from transfer" -l group -d 'A group' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from transfer" -l serviceaccount -d 'A service account' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from transfer" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from transfer" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from transfer" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from transfer" -l dry-run -d 'Let the server check it, and write nothing'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from transfer" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from transfer" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from transfer" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from transfer" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from delete" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from delete" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from delete" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from delete" -l dry-run -d 'Let the server check it, and delete nothing'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from delete" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from delete" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from delete" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from import" -l confirm-definition -d 'Remove upstream\'s definition without a question; its name is the answer' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from import" -l timeout -d 'How long to wait for upstream\'s controller to stop, and for profiles to be ready' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from import" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from import" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from import" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from import" -l dry-run -d 'Let the server check it, and write nothing'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from import" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from import" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from quota" -l namespace -d 'Its namespace, where you may not read the profile and it isn\'t kubeflow-NAME' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from quota" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from quota" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from quota" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from quota" -l dry-run -d 'Let the server check it, and write nothing'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from quota" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from quota" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from quota" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand profile; and __fish_seen_subcommand_from quota" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and not __fish_seen_subcommand_from allow revoke list" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and not __fish_seen_subcommand_from allow revoke list" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and not __fish_seen_subcommand_from allow revoke list" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and not __fish_seen_subcommand_from allow revoke list" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and not __fish_seen_subcommand_from allow revoke list" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and not __fish_seen_subcommand_from allow revoke list" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and not __fish_seen_subcommand_from allow revoke list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and not __fish_seen_subcommand_from allow revoke list" -f -a "allow" -d 'Let the gateway lead to a Service, and name who may use it besides those whose the namespace is'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and not __fish_seen_subcommand_from allow revoke list" -f -a "revoke" -d 'Take back what was allowed; with --all close the endpoint'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and not __fish_seen_subcommand_from allow revoke list" -f -a "list" -d 'List endpoints: where they are, who may use them, and whether they are open'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from allow" -s n -l namespace -d 'Its namespace' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from allow" -l user -d 'A user, letter for letter as `kubectl auth whoami` shows them; may be given several times' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from allow" -l group -d 'A group; may be given several times' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from allow" -l service-account -d 'A service account, whose pods have a sidecar; may be given several times' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from allow" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from allow" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from allow" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from allow" -l dry-run -d 'Let the server check it, and write nothing'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from allow" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from allow" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from allow" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from allow" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from revoke" -s n -l namespace -d 'Its namespace' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from revoke" -l user -d 'A user, letter for letter as `kubectl auth whoami` shows them; may be given several times' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from revoke" -l group -d 'A group; may be given several times' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from revoke" -l service-account -d 'A service account, whose pods have a sidecar; may be given several times' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from revoke" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from revoke" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from revoke" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from revoke" -l all -d 'From everybody: the gateway leads there no more'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from revoke" -l dry-run -d 'Let the server check it, and write nothing'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from revoke" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from revoke" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from revoke" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from list" -s n -l namespace -d 'The namespace' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from list" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from list" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from list" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from list" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand endpoint; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and not __fish_seen_subcommand_from rotate-password test user" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and not __fish_seen_subcommand_from rotate-password test user" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and not __fish_seen_subcommand_from rotate-password test user" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and not __fish_seen_subcommand_from rotate-password test user" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and not __fish_seen_subcommand_from rotate-password test user" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and not __fish_seen_subcommand_from rotate-password test user" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and not __fish_seen_subcommand_from rotate-password test user" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and not __fish_seen_subcommand_from rotate-password test user" -f -a "rotate-password" -d 'Give a user a new password'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and not __fish_seen_subcommand_from rotate-password test user" -f -a "test" -d 'Tell whether a request with a token is let in, which policy decides, and why; sends nothing to the gateway'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and not __fish_seen_subcommand_from rotate-password test user" -f -a "user" -d 'Add, list and remove users'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from rotate-password" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from rotate-password" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from rotate-password" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from rotate-password" -l password-stdin -d 'Take the password from standard input, and show none'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from rotate-password" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from rotate-password" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from rotate-password" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from rotate-password" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from test" -l token -d 'The token; better a file, as others may see the command line. Neither: nobody is logged in' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from test" -l token-file -d 'A file with the token' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from test" -l path -d 'Path that is asked for' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from test" -l method -d 'Method' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from test" -l host -d 'Host that is asked for; the one where the path is, unless said' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from test" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from test" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from test" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from test" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from test" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from test" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from user" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from user" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from user" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from user" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from user" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from user" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from user" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from user" -f -a "add" -d 'Let somebody log in'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from user" -f -a "list" -d 'List who may log in'
complete -c kfctl -n "__fish_kfctl_using_subcommand auth; and __fish_seen_subcommand_from user" -f -a "remove" -d 'Let somebody log in no more; their profile and its data stay'
complete -c kfctl -n "__fish_kfctl_using_subcommand open" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand open" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand open" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand open" -l no-browser -d 'Print the address, and open no browser'
complete -c kfctl -n "__fish_kfctl_using_subcommand open" -l url -d 'Print the address and nothing else; fails where only a port of this machine would lead there'
complete -c kfctl -n "__fish_kfctl_using_subcommand open" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand open" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand open" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand open" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and not __fish_seen_subcommand_from start stop status logs reset" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and not __fish_seen_subcommand_from start stop status logs reset" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and not __fish_seen_subcommand_from start stop status logs reset" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and not __fish_seen_subcommand_from start stop status logs reset" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and not __fish_seen_subcommand_from start stop status logs reset" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and not __fish_seen_subcommand_from start stop status logs reset" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and not __fish_seen_subcommand_from start stop status logs reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and not __fish_seen_subcommand_from start stop status logs reset" -f -a "start" -d 'Start what does not run'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and not __fish_seen_subcommand_from start stop status logs reset" -f -a "stop" -d 'Stop everything; nothing is lost'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and not __fish_seen_subcommand_from start stop status logs reset" -f -a "status" -d 'What runs'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and not __fish_seen_subcommand_from start stop status logs reset" -f -a "logs" -d 'Print the end of a process\'s log'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and not __fish_seen_subcommand_from start stop status logs reset" -f -a "reset" -d 'Stop everything and delete the cluster\'s data'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from start" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from start" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from start" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from start" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from start" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from start" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from start" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from stop" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from stop" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from stop" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from stop" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from stop" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from stop" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from stop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from status" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from status" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from status" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from status" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from logs" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from logs" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from logs" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from logs" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from logs" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from logs" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from logs" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from reset" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from reset" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from reset" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from reset" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from reset" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from reset" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand local; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and not __fish_seen_subcommand_from build load push" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and not __fish_seen_subcommand_from build load push" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and not __fish_seen_subcommand_from build load push" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and not __fish_seen_subcommand_from build load push" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and not __fish_seen_subcommand_from build load push" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and not __fish_seen_subcommand_from build load push" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and not __fish_seen_subcommand_from build load push" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and not __fish_seen_subcommand_from build load push" -f -a "build" -d 'Write the image as an archive that containerd, kind, minikube, docker and podman load'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and not __fish_seen_subcommand_from build load push" -f -a "load" -d 'Bring the image to the node of a cluster on this machine'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and not __fish_seen_subcommand_from build load push" -f -a "push" -d 'Push the image to a registry, with the credentials of `docker login`'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from build" -s o -l output -d 'The archive' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from build" -l name -d 'The image\'s name [default: parameter profiles.image of the app here, else its default]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from build" -l format -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from build" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from build" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from build" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from build" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from build" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from build" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from load" -l cluster -d 'Cluster of kind or profile of minikube [default: the app\'s here, else the tool\'s own]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from load" -l address -d 'Socket of containerd [default: ctr\'s own]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from load" -l name -d 'The image\'s name [default: parameter profiles.image of the app here, else its default]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from load" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from load" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from load" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from load" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from load" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from load" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from load" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from push" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from push" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from push" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from push" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from push" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from push" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand image; and __fish_seen_subcommand_from push" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand controller" -l probes -d 'Address of /livez, /healthz and /readyz' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand controller" -l metrics -d 'Address of /metrics' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand controller" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand controller" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand controller" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand controller" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand controller" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand controller" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand controller" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand web" -l listen -d 'Address of the pages and of /api' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand web" -l probes -d 'Address of /livez, /healthz and /readyz' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand web" -l metrics -d 'Address of /metrics' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand web" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand web" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand web" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand web" -l tokens -d 'Send the users\' own tokens to the API server, which then has to trust their issuer; without it the server is told who asks'
complete -c kfctl -n "__fish_kfctl_using_subcommand web" -l trial -d 'Let everybody choose who they are: for trying out, on an address of this machine alone'
complete -c kfctl -n "__fish_kfctl_using_subcommand web" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand web" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand web" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand web" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand completions" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand completions" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand completions" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand completions" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand completions" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand completions" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kfctl -n "__fish_kfctl_using_subcommand version" -l kubeconfig -d 'kubeconfig file [default: $KUBECONFIG, then ~/.kube/config]' -r -F
complete -c kfctl -n "__fish_kfctl_using_subcommand version" -l context -d 'Context of the kubeconfig [default: its current one]' -r
complete -c kfctl -n "__fish_kfctl_using_subcommand version" -s o -l output -d 'How results are printed' -r -f -a "text\t'For people'
json\t'For programs: one JSON document a line'
yaml\t'For programs and people: YAML documents'"
complete -c kfctl -n "__fish_kfctl_using_subcommand version" -s y -l yes -d 'Answer every question with yes'
complete -c kfctl -n "__fish_kfctl_using_subcommand version" -s v -l verbose -d 'Say more; twice shows every request'
complete -c kfctl -n "__fish_kfctl_using_subcommand version" -s q -l quiet -d 'Say only results and errors'
complete -c kfctl -n "__fish_kfctl_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
