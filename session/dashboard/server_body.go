package dashboard

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/internal/strictjson"
	"github.com/tokenlife/tokenlife/token"
)

// maxBody is the most that is read of a request.
const maxBody = token.MaxSize

// readBody reads a JSON object into its texts, of which each has a name. Names
// match in any case, as they do for the Dashboard, whose own pages rely on it; a
// name that is there twice is refused. The object is called typeName where the
// Dashboard tells of its type.
func readBody(w http.ResponseWriter, r *http.Request, typeName string, texts map[string]*string) *refusal {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return &refusal{http.StatusRequestEntityTooLarge, msgTooLong, fmt.Errorf("dashboard: a body of more than %d bytes", tooLong.Limit)}
		}
		return &refusal{http.StatusBadRequest, msgUnread, errors.New("dashboard: a body that ended in the middle")}
	}
	j := strictjson.NewReader(string(body), strictjson.Limits{Size: maxBody})
	unlike := ""
	for name := range j.Object() {
		for known, text := range texts {
			if !strings.EqualFold(name, known) {
				continue
			}
			switch kind := j.Kind(); kind {
			case strictjson.String, strictjson.Null:
				*text = readText(&j)
			default:
				unlike = fmt.Sprintf("json: cannot unmarshal %s into Go struct field %s.%s of type string", goKind(kind), typeName, known)
			}
		}
	}
	if err := j.End(); err != nil {
		return &refusal{http.StatusBadRequest, msgNotJSON, fmt.Errorf("dashboard: a body that cannot be read: %w", err)}
	}
	if unlike != "" {
		return &refusal{http.StatusInternalServerError, unlike, errors.New("dashboard: a body with a value of another kind: " + unlike)}
	}
	return nil
}

// goKind returns what encoding/json calls a kind of value.
func goKind(k strictjson.Kind) string {
	switch k {
	case strictjson.Object:
		return "object"
	case strictjson.Array:
		return "array"
	case strictjson.Number:
		return "number"
	}
	return "bool"
}
