// Prints what BuildKit's own parser sees in Dockerfiles: for each file one line an instruction, a JSON array
// [keyword, start line, end line, [flags], [arguments], [heredocs], is JSON form], a line for its stages, and "accepted" or "refused".
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

func show(value any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	fmt.Print(text.String())
}

func list(values []string) []string {
	return append([]string{}, values...)
}

func read(path string) {
	file, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	fmt.Println("file", path)
	result, err := parser.Parse(file)
	if err != nil {
		fmt.Println("refused")
		return
	}
	stages, _, err := instructions.Parse(result.AST, nil)
	if err != nil {
		fmt.Println("refused")
		return
	}
	for _, node := range result.AST.Children {
		arguments, heredocs := []string{}, []string{}
		for next := node.Next; next != nil; next = next.Next {
			arguments = append(arguments, next.Value)
		}
		for _, heredoc := range node.Heredocs {
			content := heredoc.Content
			if heredoc.Chomp {
				content = parser.ChompHeredocContent(content)
			}
			heredocs = append(heredocs, content)
		}
		show([]any{node.Value, node.StartLine, node.EndLine, list(node.Flags), arguments, heredocs, node.Attributes["json"]})
	}
	for _, stage := range stages {
		show([]string{stage.Name, stage.BaseName})
	}
	fmt.Println("accepted")
}

func main() {
	for _, path := range os.Args[1:] {
		read(path)
	}
}
