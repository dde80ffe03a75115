// Package signing proves who has written an event, as the CloudEvents extension "Verifiable CloudEvents with
// DSSE" says: a digest over the attributes and the data, signed with Ed25519 in a DSSE 1.0.2 envelope, which
// travels as the attributes dssematerial and signedextattrs.
//
// Invariants:
//   - A key belongs to one source, and proves that source alone.
//   - Every attribute of Extensions is signed in every event, also where it is not set, so that none can be
//     added, changed or taken away.
//   - A file that cannot be used takes nothing away: what was read before goes on, and the service says so.
//
// https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/verifiability.md
package signing

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The attributes that carry a signature.
const (
	MaterialAttribute   = "dssematerial"
	ExtensionsAttribute = "signedextattrs"
)

// payloadType is the version of the extension.
const payloadType = "https://cloudevents.io/verifiability/dsse/v0.1"

// core are the context attributes that every signature is over, in this order.
var core = [...]string{"id", "source", "specversion", "type", "datacontenttype", "dataschema", "subject", "time"}

// Extensions are the extension attributes of ours that mean something: all of them are signed.
var Extensions = []string{"sequence", "correlationid", "causationid", "actor", "actorname"}

// extensionsList is Extensions as an attribute.
var extensionsList = strings.Join(Extensions, ",")

// Event is an event as it is on the wire: attributes by their CloudEvents names, and data.
type Event struct {
	Attributes map[string]string
	Data       []byte
}

// Digest is what is signed. An attribute that is not set counts as empty.
func Digest(e Event, extensions []string) ([sha256.Size]byte, error) {
	list := make([]byte, 0, (len(core)+1+2*len(extensions))*sha256.Size)
	add := func(value []byte) {
		sum := sha256.Sum256(value)
		list = append(list, sum[:]...)
	}
	for _, name := range core {
		value := e.Attributes[name]
		if name == "time" && value != "" {
			t, err := time.Parse(time.RFC3339Nano, value)
			if err != nil {
				return [sha256.Size]byte{}, fmt.Errorf("time %.80q is not of RFC 3339", value)
			}
			value = t.UTC().Format(time.RFC3339Nano)
		}
		add([]byte(value))
	}
	add(e.Data)
	for _, name := range extensions {
		add([]byte(name))
		add([]byte(e.Attributes[name]))
	}
	return sha256.Sum256(list), nil
}

// splitExtensions reads the attribute signedextattrs by the rules of the extension.
func splitExtensions(list string) ([]string, error) {
	if list == "" {
		return nil, nil
	}
	names := strings.Split(list, ",")
	for i, name := range names {
		switch {
		case name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") != "":
			return nil, fmt.Errorf("%.80q is not an attribute's name", name)
		case slices.Contains(core[:], name) || name == MaterialAttribute || name == ExtensionsAttribute:
			return nil, fmt.Errorf("%s must not be listed", name)
		case slices.Contains(names[:i], name):
			return nil, fmt.Errorf("%s is listed twice", name)
		}
	}
	return names, nil
}

// allSigned returns an error unless the attributes that mean something are among the signed ones.
func allSigned(names []string) error {
	for _, name := range Extensions {
		if !slices.Contains(names, name) {
			return errors.New(name + " is not signed")
		}
	}
	return nil
}

// encodeForSigning is DSSE's pre-authentication encoding (PAE).
//
// https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md
func encodeForSigning(payload []byte) []byte {
	b := make([]byte, 0, 128)
	b = append(b, "DSSEv1 "...)
	b = strconv.AppendInt(b, int64(len(payloadType)), 10)
	b = append(b, ' ')
	b = append(b, payloadType...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(len(payload)), 10)
	b = append(b, ' ')
	return append(b, payload...)
}
