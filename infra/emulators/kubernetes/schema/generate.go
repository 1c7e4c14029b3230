// Prints builtin-schemas.json: one line per Go struct behind the built-in kinds, in the short form
// that schema/field-types.ts reads. Run inside infra/testcluster, whose go.mod pins Kubernetes:
//
//	go run ../emulators/kubernetes/schema/generate.go > ../emulators/kubernetes/schema/builtin-schemas.json
//
//go:build ignore

package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	aggregator "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kubernetes/pkg/generated/openapi"
)

// special are the types with a JSON form of their own.
var special = map[reflect.Type]string{
	reflect.TypeOf(metav1.Time{}):                                "time",
	reflect.TypeOf(metav1.MicroTime{}):                           "microTime",
	reflect.TypeOf(metav1.Duration{}):                            "duration",
	reflect.TypeOf(resource.Quantity{}):                          "quantity",
	reflect.TypeOf(intstr.IntOrString{}):                         "intOrString",
	reflect.TypeOf(runtime.RawExtension{}):                       "raw",
	reflect.TypeOf(metav1.FieldsV1{}):                            "raw",
	reflect.TypeOf(apiextensions.JSON{}):                         "raw",
	reflect.TypeOf(apiextensions.JSONSchemaPropsOrArray{}):       "raw",
	reflect.TypeOf(apiextensions.JSONSchemaPropsOrBool{}):        "raw",
	reflect.TypeOf(apiextensions.JSONSchemaPropsOrStringArray{}): "raw",
}

var structs = map[string]string{}
var definitions = openapi.GetOpenAPIDefinitions(func(path string) spec.Ref {
	return spec.MustCreateRef(path)
})

// shortName turns k8s.io/api/core/v1.Pod into core/v1.Pod.
func shortName(t reflect.Type) string {
	path := t.PkgPath()
	for _, prefix := range []string{"k8s.io/apimachinery/pkg/apis/", "k8s.io/api/",
		"k8s.io/apiextensions-apiserver/pkg/apis/", "k8s.io/kube-aggregator/pkg/apis/"} {
		path = strings.TrimPrefix(path, prefix)
	}
	return path + "." + t.Name()
}

func typeText(t reflect.Type) string {
	if name, ok := special[t]; ok {
		return name
	}
	switch t.Kind() {
	case reflect.Ptr:
		return typeText(t.Elem())
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int32, reflect.Int, reflect.Uint32, reflect.Int16, reflect.Uint16:
		return "int32"
	case reflect.Int64:
		return "int64"
	case reflect.Float64:
		return "float"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + typeText(t.Elem())
	case reflect.Map:
		return "{}" + typeText(t.Elem())
	case reflect.Struct:
		describe(t)
		return "@" + shortName(t)
	}
	panic("no text for " + t.String())
}

func describe(t reflect.Type) {
	name := shortName(t)
	if _, done := structs[name]; done {
		return
	}
	structs[name] = ""
	schema := definitions[t.PkgPath()+"."+t.Name()]
	structs[name] = strings.Join(fields(t, schema), " ")
}

func fields(t reflect.Type, schema common.OpenAPIDefinition) []string {
	var out []string
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		if tag == "-" {
			continue
		}
		parts := strings.Split(tag, ",")
		if parts[0] == "" && (strings.Contains(tag, "inline") || f.Anonymous) {
			inner := f.Type
			if inner.Kind() == reflect.Ptr {
				inner = inner.Elem()
			}
			out = append(out, fields(inner, schema)...)
			continue
		}
		out = append(out, field(f, parts, schema))
	}
	return out
}

func field(f reflect.StructField, tag []string, schema common.OpenAPIDefinition) string {
	text := tag[0] + ":" + typeText(f.Type)
	if f.Type.Kind() == reflect.Ptr {
		text += "*"
	}
	for _, option := range tag[1:] {
		switch option {
		case "omitempty":
			text += "?"
		case "omitzero":
			text += "0"
		}
	}
	for _, required := range schema.Schema.Required {
		if required == tag[0] {
			text += "!"
		}
	}
	property := schema.Schema.Properties[tag[0]]
	if d := property.Default; d != nil {
		b, _ := json.Marshal(d)
		if s := string(b); s != `""` && s != "0" && s != "false" && s != "{}" && !strings.Contains(s, " ") {
			text += "|d=" + s
		}
	}
	ext := property.Extensions
	if v, ok := ext["x-kubernetes-list-type"].(string); ok {
		text += "|l=" + v
	}
	if v, ok := ext["x-kubernetes-list-map-keys"].([]interface{}); ok {
		var keys []string
		for _, k := range v {
			keys = append(keys, k.(string))
		}
		text += "|k=" + strings.Join(keys, ",")
	}
	if v, ok := ext["x-kubernetes-map-type"].(string); ok {
		text += "|m=" + v
	} else if inner := f.Type; true {
		for inner.Kind() == reflect.Ptr {
			inner = inner.Elem()
		}
		if d, ok := definitions[inner.PkgPath()+"."+inner.Name()]; ok && inner.Kind() == reflect.Struct {
			if v, ok := d.Schema.Extensions["x-kubernetes-map-type"].(string); ok {
				text += "|m=" + v
			}
		}
	}
	if isAtomicItem(f.Type) {
		text += "|i=atomic"
	}
	if v := f.Tag.Get("patchStrategy"); v != "" {
		text += "|s=" + v
	}
	if v := f.Tag.Get("patchMergeKey"); v != "" {
		text += "|p=" + v
	}
	return text
}

// isAtomicItem says whether the items of a list are replaced as a whole.
func isAtomicItem(t reflect.Type) bool {
	if t.Kind() != reflect.Slice || t.Elem().Kind() != reflect.Struct {
		return false
	}
	definition, ok := definitions[t.Elem().PkgPath()+"."+t.Elem().Name()]
	return ok && definition.Schema.Extensions["x-kubernetes-map-type"] == "atomic"
}

func main() {
	all := runtime.NewScheme()
	must(scheme.AddToScheme(all))
	must(apiextensions.AddToScheme(all))
	must(aggregator.AddToScheme(all))
	kinds := map[string]string{}
	for gvk, t := range all.AllKnownTypes() {
		served := gvk.Version == "v1" || gvk.Group == "autoscaling" && gvk.Version == "v2"
		if !served || strings.HasSuffix(gvk.Kind, "Options") || strings.HasPrefix(t.PkgPath(), "k8s.io/apimachinery") {
			continue
		}
		if t.Kind() != reflect.Struct || strings.HasSuffix(gvk.Kind, "List") {
			continue
		}
		version := gvk.GroupVersion().String()
		kinds[version+" "+gvk.Kind] = shortName(t)
		describe(t)
	}
	describe(reflect.TypeOf(metav1.DeleteOptions{}))
	describe(reflect.TypeOf(metav1.LabelSelector{}))
	write("kinds", kinds, "{\n", ",\n")
	write("structs", structs, "", "\n}\n")
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func write(name string, entries map[string]string, before, after string) {
	keys := make([]string, 0, len(entries))
	for k := range entries {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	fmt.Printf("%s  %q: {\n", before, name)
	for i, k := range keys {
		comma := ","
		if i == len(keys)-1 {
			comma = ""
		}
		v, _ := json.Marshal(entries[k])
		fmt.Printf("    %q: %s%s\n", k, v, comma)
	}
	fmt.Printf("  }%s", after)
}
