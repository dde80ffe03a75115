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

// material is the attribute dssematerial for one signature.
func material(payload []byte, keyID string, signature []byte) string {
	encoded, err := json.Marshal(envelope{payloadType, base64.StdEncoding.EncodeToString(payload),
		[]envelopeSignature{{keyID, base64.StdEncoding.EncodeToString(signature)}}})
	if err != nil {
		panic(err) // texts only
	}
	return base64.StdEncoding.EncodeToString(encoded)
}

// parseMaterial reads the attribute dssematerial.
func parseMaterial(attribute string) (payload []byte, signatures []envelopeSignature, err error) {
	encoded, err := base64.StdEncoding.DecodeString(attribute)
	if err != nil {
		return nil, nil, errors.New("it is not base64")
	}
	var e envelope
	if err := json.NewDecoder(bytes.NewReader(encoded)).Decode(&e); err != nil {
		return nil, nil, errors.New("it is not an envelope of DSSE")
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
