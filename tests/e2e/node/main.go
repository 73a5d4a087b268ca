// Command node is what runs on a Kubernetes node, unchanged: kubelet and
// kube-proxy, each behind a sub-command of its own name.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	commands := map[string]func() *cobra.Command{
		"kubelet":    func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
		"kube-proxy": proxy.NewProxyCommand,
	}
	if len(os.Args) > 1 {
		if build, known := commands[os.Args[1]]; known {
			// Both read their flags from here too.
			os.Args = os.Args[1:]
			os.Exit(cli.Run(build()))
		}
	}
	fmt.Fprintln(os.Stderr, "usage: node kubelet|kube-proxy [FLAGS]")
	os.Exit(2)
}
