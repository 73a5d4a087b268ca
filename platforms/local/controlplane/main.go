// Command controlplane is a whole Kubernetes control plane in one binary: the
// upstream servers, unchanged, each behind a sub-command of its own name.
//
// It exists so that kfctl's platform "local" needs no container engine and no
// download of prebuilt binaries: one `go build` from the module proxy makes it.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	"k8s.io/component-base/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	node "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	lease "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	pod "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/kwok/pkg/config"
	kwok "sigs.k8s.io/kwok/pkg/kwok/cmd"
	"sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/signals"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// tools maps a sub-command to the upstream entry point it runs.
var tools = map[string]func(arguments []string) int{
	"etcd": func(arguments []string) int {
		etcdmain.Main(append([]string{"etcd"}, arguments...))
		return 0
	},
	"kube-apiserver":          command(apiserver.NewAPIServerCommand),
	"kube-controller-manager": command(controllermanager.NewControllerManagerCommand),
	"kube-scheduler":          command(func() *cobra.Command { return scheduler.NewSchedulerCommand() }),
	"kubectl":                 command(func() *cobra.Command { return kubectl.NewDefaultKubectlCommand() }),
	"kwok":                    simulatedNodes,
	"kwok-stages": func([]string) int {
		// How simulated nodes and pods go through life, for kwok's --config.
		fmt.Println(strings.Join([]string{
			node.DefaultNodeInit, lease.DefaultNodeHeartbeatWithLease,
			pod.DefaultPodReady, pod.DefaultPodComplete, pod.DefaultPodDelete,
		}, "\n---\n"))
		return 0
	},
	"version": func([]string) int {
		fmt.Println(version.Get().GitVersion)
		return 0
	},
}

func command(build func() *cobra.Command) func([]string) int {
	return func(arguments []string) int {
		root := build()
		root.SetArgs(arguments)
		return cli.Run(root)
	}
}

// simulatedNodes runs kwok's controller, which plays the kubelet for nodes
// that exist only in the API: pods scheduled to them become Running.
func simulatedNodes(arguments []string) int {
	// kwok reads its --config and verbosity from os.Args, before cobra does.
	flags := pflag.NewFlagSet("global", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	ctx, _ := log.InitFlags(signals.SetupSignalContext(), flags)
	ctx, err := config.InitFlags(ctx, flags)
	if err == nil {
		root := kwok.NewCommand(ctx)
		// Kubernetes' libraries have put a --version of their own among the global flags; cobra refuses a second one.
		root.Version = ""
		root.PersistentFlags().AddFlagSet(flags)
		root.SetArgs(arguments)
		err = root.ExecuteContext(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func main() {
	// Called by a link named like a tool (kubectl), or with the tool's name first.
	name, arguments := filepath.Base(os.Args[0]), os.Args[1:]
	if _, known := tools[name]; !known && len(arguments) > 0 {
		name, arguments = arguments[0], arguments[1:]
	}
	run, known := tools[name]
	if !known {
		names := make([]string, 0, len(tools))
		for tool := range tools {
			names = append(names, tool)
		}
		fmt.Fprintf(os.Stderr, "usage: controlplane TOOL [FLAGS], where TOOL is one of %s\n", strings.Join(names, ", "))
		os.Exit(2)
	}
	os.Args = append([]string{name}, arguments...)
	os.Exit(run(arguments))
}
