package importlaw

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlclark/regexp2"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// manifestSchema is Slack's own (slackapi/manifest-schema, manifest.schema.2.0.0.json),
// kept beside the repository where it is built, and not a part of it.
const manifestSchema = root + "/../shared/schemas/slack-manifest.schema.json"

// manifest is manifest.yml as JSON values, the form that Slack and schemas know.
func manifest(t *testing.T) map[string]any {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "manifest.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var written map[string]any
	if err := yaml.Unmarshal(text, &written); err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(written)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(plain, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestManifestFitsSlacksSchema(t *testing.T) {
	file, err := os.Open(manifestSchema)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("Slack's manifest schema is not part of this repository, and it is not beside it; README.md says what to download")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseRegexpEngine(lookAhead) // before the first schema is compiled
	if err := compiler.AddResource("manifest.json", text); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(manifest(t)); err != nil {
		t.Errorf("manifest.yml: %v", err)
	}
	wrong := manifest(t)
	wrong["display_information"].(map[string]any)["colour"] = "red"
	if schema.Validate(wrong) == nil {
		t.Error("the schema takes a manifest with an unknown key: it checks nothing")
	}
}

// What no schema knows: the bot must not be able to read what people write, nor be
// reachable from outside.
func TestManifestAsksForNoMoreThanItShould(t *testing.T) {
	m := manifest(t)
	scopes := at(t, m, "oauth_config", "scopes", "bot").([]any)
	for _, scope := range scopes {
		if strings.Contains(scope.(string), "history") {
			t.Errorf("scope %s would let the bot read what people write", scope)
		}
	}
	for _, needed := range []string{"commands", "chat:write", "users:read", "usergroups:read"} {
		if !slices.Contains(scopes, any(needed)) {
			t.Errorf("scope %s is missing", needed)
		}
	}
	for key, want := range map[string]bool{
		"socket_mode_enabled": true, "token_rotation_enabled": false, "org_deploy_enabled": false,
	} {
		if got := at(t, m, "settings", key); got != want {
			t.Errorf("settings.%s = %v; want %v", key, got, want)
		}
	}
	if at(t, m, "settings", "interactivity", "is_enabled") != true {
		t.Error("without interactivity no button works")
	}
}

func at(t *testing.T, value any, keys ...string) any {
	t.Helper()
	for i, key := range keys {
		object, ok := value.(map[string]any)
		if !ok || object[key] == nil {
			t.Fatalf("manifest.yml has no %s", strings.Join(keys[:i+1], "."))
		}
		value = object[key]
	}
	return value
}

// lookAhead compiles ECMAScript patterns: two of Slack's use (?!…), which Go's own
// engine refuses.
func lookAhead(pattern string) (jsonschema.Regexp, error) {
	re, err := regexp2.Compile(pattern, regexp2.ECMAScript)
	if err != nil {
		return nil, err
	}
	return ecma{re}, nil
}

type ecma struct{ *regexp2.Regexp }

func (e ecma) MatchString(s string) bool {
	matched, err := e.Regexp.MatchString(s)
	return err == nil && matched
}
