package view

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Slack shows a name that it does not have as the word between its colons. The list
// holds names of its standard set (github.com/iamcal/emoji-data, short_name): check a
// new one there before it is added.
func TestSlackHasEveryEmojiThatTheBotSends(t *testing.T) {
	raw, err := os.ReadFile("testdata/emoji.txt")
	if err != nil {
		t.Fatal(err)
	}
	standard, name, seen := strings.Fields(string(raw)), regexp.MustCompile(`:([a-z][a-z0-9_+-]+):`), 0
	for _, folder := range []string{".", "../commands", "../thread"} {
		files, err := filepath.Glob(folder + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatal(folder, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range name.FindAllStringSubmatch(string(source), -1) {
				seen++
				if !slices.Contains(standard, m[1]) {
					t.Errorf("%s: :%s: is not known as one of Slack's", file, m[1])
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d names were found", seen)
	}
}
