// Command istiod is Istio's control plane, unchanged, as a plain process: the mesh tests run it against their own API server.
//
// As `istiod rsa-key` it prints a new RSA key pair instead: the private key as PKCS #8, then the public one, both as PEM.
package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"

	"istio.io/istio/pilot/cmd/pilot-discovery/app"
)

func main() {
	run := app.NewRootCommand().Execute
	if len(os.Args) == 2 && os.Args[1] == "rsa-key" {
		run = rsaKey
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func rsaKey() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return err
	}
	for _, block := range []pem.Block{{Type: "PRIVATE KEY", Bytes: private}, {Type: "PUBLIC KEY", Bytes: public}} {
		if err := pem.Encode(os.Stdout, &block); err != nil {
			return err
		}
	}
	return nil
}
