package signing

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// envelope is the JSON envelope of DSSE.
//
// https://github.com/secure-systems-lab/dsse/blob/v1.0.2/envelope.md
type envelope struct {
	PayloadType string              `json:"payloadType"`
	Payload     string              `json:"payload"`
	Signatures  []envelopeSignature `json:"signatures"`
}

type envelopeSignature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

// An envelope as material writes it: between these stand the payload, the key's id and the signature.
const (
	beforePayload   = `{"payloadType":"` + payloadType + `","payload":"`
	beforeKeyID     = `","signatures":[{"keyid":"`
	beforeSignature = `","sig":"`
	afterSignature  = `"}]}`
)

// material is the attribute dssematerial for one signature. A key's id is hexadecimal.
func material(payload []byte, keyID string, signature []byte) string {
	encoded := make([]byte, 0, 320)
	encoded = append(encoded, beforePayload...)
	encoded = base64.StdEncoding.AppendEncode(encoded, payload)
	encoded = append(append(append(encoded, beforeKeyID...), keyID...), beforeSignature...)
	encoded = base64.StdEncoding.AppendEncode(encoded, signature)
	return base64.StdEncoding.EncodeToString(append(encoded, afterSignature...))
}

// parseMaterial reads the attribute dssematerial.
func parseMaterial(attribute string) (payload []byte, signatures []envelopeSignature, err error) {
	encoded, err := base64.StdEncoding.DecodeString(attribute)
	if err != nil {
		return nil, nil, errors.New("it is not base64")
	}
	e, ours := parseOurs(string(encoded))
	if !ours {
		if err := json.NewDecoder(bytes.NewReader(encoded)).Decode(&e); err != nil {
			return nil, nil, errors.New("it is not an envelope of DSSE")
		}
	}
	if e.PayloadType != payloadType {
		return nil, nil, fmt.Errorf("its payload type is %.80q, not %s", e.PayloadType, payloadType)
	}
	if payload, err = decodeBase64(e.Payload); err != nil || len(payload) != 32 {
		return nil, nil, errors.New("its payload is not a digest of 32 bytes")
	}
	if len(e.Signatures) == 0 {
		return nil, nil, errors.New("it holds no signature")
	}
	return payload, e.Signatures, nil
}

// decodeBase64 takes either alphabet, as DSSE allows.
func decodeBase64(text string) ([]byte, error) {
	if strings.ContainsAny(text, "-_") {
		return base64.URLEncoding.DecodeString(text)
	}
	return base64.StdEncoding.DecodeString(text)
}

// parseOurs reads an envelope as material writes it, which nearly all are, at a fraction of what JSON costs.
func parseOurs(encoded string) (e envelope, ours bool) {
	rest, ours := strings.CutPrefix(encoded, beforePayload)
	if !ours {
		return e, false
	}
	payload, rest, _ := strings.Cut(rest, beforeKeyID)
	keyID, rest, _ := strings.Cut(rest, beforeSignature)
	signature, ours := strings.CutSuffix(rest, afterSignature)
	if !ours || !plain(payload) || !plain(keyID) || !plain(signature) {
		return envelope{}, false
	}
	return envelope{payloadType, payload, []envelopeSignature{{keyID, signature}}}, true
}

// plain reports whether a text holds nothing that JSON writes in another way, or that base64 has not.
func plain(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '+' && r != '/' && r != '=' && r != '-' && r != '_'
	}) < 0
}
