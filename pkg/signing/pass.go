package signing

import (
	"crypto/rand"
	"crypto/sha512"

	"filippo.io/edwards25519"
)

// holdTogether reports whether every signature is its key's. It takes one equation for all, each signature
// times a random number, so that no two that are wrong can make up for each other:
//
//	8 (Σ zᵢsᵢ B - Σ zᵢRᵢ - Σ zᵢkᵢ Aᵢ) = 0
//
// What a key stands for in it is added up before it is multiplied, which costs a third of that for each
// signature: many have one of a few keys.
func holdTogether(claims []*claim) bool {
	base, random := edwards25519.NewScalar(), make([]byte, 16*len(claims))
	_, _ = rand.Read(random) // it never fails
	scalars, points := []*edwards25519.Scalar{base}, []*edwards25519.Point{edwards25519.NewGeneratorPoint()}
	ofKeys := map[string]*edwards25519.Scalar{}
	for i, c := range claims {
		value := c.signature.Value
		if len(value) != 64 {
			return false
		}
		ofKey, known := ofKeys[c.key.ID]
		if !known {
			a, err := new(edwards25519.Point).SetBytes(c.key.Public)
			if err != nil {
				return false
			}
			ofKey = edwards25519.NewScalar()
			ofKeys[c.key.ID], scalars, points = ofKey, append(scalars, ofKey), append(points, a)
		}
		r, err := new(edwards25519.Point).SetBytes(value[:32])
		if err != nil {
			return false
		}
		s, err := edwards25519.NewScalar().SetCanonicalBytes(value[32:])
		if err != nil {
			return false
		}
		h := sha512.New()
		h.Write(value[:32])
		h.Write(c.key.Public)
		h.Write(c.signed())
		k, err := edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
		if err != nil {
			panic(err) // of 64 bytes
		}
		z, err := edwards25519.NewScalar().SetCanonicalBytes(append(random[16*i:16*i+16:16*i+16], make([]byte, 16)...))
		if err != nil {
			panic(err) // of 128 bits
		}
		base.MultiplyAdd(z, s, base)
		ofKey.MultiplyAdd(z, k, ofKey)
		scalars, points = append(scalars, z), append(points, r)
	}
	base.Negate(base)
	sum := new(edwards25519.Point).VarTimeMultiScalarMult(scalars, points)
	return sum.MultByCofactor(sum).Equal(edwards25519.NewIdentityPoint()) == 1
}
