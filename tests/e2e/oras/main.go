// What `oras copy` and `oras attach` do, with its own library: the command's module is not always to be had.
//
//	oras USER PASSWORD push LAYOUT:TAG HOST/REPOSITORY:TAG
//	oras USER PASSWORD pull HOST/REPOSITORY:TAG LAYOUT:TAG
//	oras USER PASSWORD attach HOST/REPOSITORY:TAG     attaches a note and lists what refers to the image
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "oras:", err)
		os.Exit(1)
	}
}

func repository(name string) *remote.Repository {
	repo, err := remote.NewRepository(name)
	check(err)
	repo.PlainHTTP = true
	repo.Client = &auth.Client{
		Cache:      auth.NewCache(),
		Credential: auth.StaticCredential(repo.Reference.Registry, auth.Credential{Username: os.Args[1], Password: os.Args[2]}),
	}
	return repo
}

func layout(name string) (*oci.Store, string) {
	cut := strings.LastIndex(name, ":")
	store, err := oci.New(name[:cut])
	check(err)
	return store, name[cut+1:]
}

func attach(ctx context.Context, repo *remote.Repository) {
	subject, err := repo.Resolve(ctx, repo.Reference.Reference)
	check(err)
	blob := []byte("a note")
	layer := content.NewDescriptorFromBytes("text/plain", blob)
	check(repo.Push(ctx, layer, strings.NewReader(string(blob))))
	_, err = oras.PackManifest(ctx, repo, oras.PackManifestVersion1_1, "application/vnd.example.note",
		oras.PackManifestOptions{Subject: &subject, Layers: []v1.Descriptor{layer}})
	check(err)
	check(repo.Referrers(ctx, subject, "application/vnd.example.note", func(found []v1.Descriptor) error {
		for _, one := range found {
			fmt.Println("refers:", one.ArtifactType)
		}
		return nil
	}))
}

func main() {
	ctx := context.Background()
	switch os.Args[3] {
	case "push":
		from, tag := layout(os.Args[4])
		to := repository(os.Args[5])
		_, err := oras.Copy(ctx, from, tag, to, to.Reference.Reference, oras.DefaultCopyOptions)
		check(err)
	case "pull":
		from := repository(os.Args[4])
		to, tag := layout(os.Args[5])
		_, err := oras.Copy(ctx, from, from.Reference.Reference, to, tag, oras.DefaultCopyOptions)
		check(err)
	case "attach":
		attach(ctx, repository(os.Args[4]))
	}
}
