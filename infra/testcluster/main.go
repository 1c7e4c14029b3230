// Testcluster is a real Kubernetes control plane in one binary: etcd, kube-apiserver and
// kube-controller-manager, chosen by the program's name or by the first argument. Each process
// ends itself when its standard input closes, so that none outlives a starter that was killed.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

var components = map[string]func(){
	"etcd":                    func() { etcdmain.Main(os.Args) },
	"kube-apiserver":          func() { run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() { run(controllermanager.NewControllerManagerCommand()) },
}

func main() {
	name := filepath.Base(os.Args[0])
	if _, named := components[name]; !named && len(os.Args) > 1 {
		name = os.Args[1]
		os.Args = os.Args[1:]
	}
	start, known := components[name]
	if !known {
		fmt.Fprintf(os.Stderr,
			"Cannot start %q: want etcd, kube-apiserver or kube-controller-manager\n", name)
		os.Exit(2)
	}
	go endWithStarter()
	start()
}

func run(command *cobra.Command) {
	os.Exit(cli.Run(command))
}

// endWithStarter waits for the end of standard input, which the starter holds open while it lives.
// A hard exit is as good as any: all three must bear kill -9 anyway.
func endWithStarter() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}
