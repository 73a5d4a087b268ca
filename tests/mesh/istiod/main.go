// Command istiod is Istio's control plane, unchanged, as a plain process: the mesh tests run it against their own API server.
//
// As `istiod rsa-key` it prints a new RSA key pair instead: the private key as PKCS #8, then the public one, both as PEM. As `istiod
// validate` it reads objects, one a line as JSON, and prints for each what its validation webhook answers, one a line.
package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"

	"istio.io/istio/pilot/cmd/pilot-discovery/app"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/webhooks/validation/server"
)

func main() {
	run := app.NewRootCommand().Execute
	if len(os.Args) == 2 && os.Args[1] == "rsa-key" {
		run = rsaKey
	} else if len(os.Args) == 2 && os.Args[1] == "validate" {
		run = validate
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

// What the webhook's handler writes.
type answer struct {
	bytes.Buffer
	header http.Header
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) WriteHeader(int)     {}

func validate() error {
	mux := http.NewServeMux()
	if _, err := server.New(server.Options{Schemas: collections.PilotGatewayAPI(), DomainSuffix: "cluster.local", Mux: mux}); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var object struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
		}
		if err := json.Unmarshal(lines.Bytes(), &object); err != nil {
			return err
		}
		review, err := json.Marshal(map[string]any{
			"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
			"request": map[string]any{
				"uid": "one", "operation": "CREATE", "kind": map[string]any{"kind": object.Kind},
				"name": object.Metadata.Name, "namespace": object.Metadata.Namespace, "object": json.RawMessage(lines.Bytes()),
			},
		})
		if err != nil {
			return err
		}
		request, err := http.NewRequest(http.MethodPost, "/validate", bytes.NewReader(review))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/json")
		said := answer{header: http.Header{}}
		mux.ServeHTTP(&said, request)
		fmt.Println(said.String())
	}
	return lines.Err()
}
