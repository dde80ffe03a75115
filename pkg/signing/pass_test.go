package signing

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"testing"

	"filippo.io/edwards25519"
	"github.com/stretchr/testify/require"
)

// smallOrder are all encodings of the points of order 1, 2, 4 and 8; of the former three, those too that no
// honest program writes. Whoever makes a key of one can sign without a private one.
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000", "0100000000000000000000000000000000000000000000000000000000000080",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"0000000000000000000000000000000000000000000000000000000000000000", "0000000000000000000000000000000000000000000000000000000000000080",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
}

func claimOf(public ed25519.PublicKey, n byte, signature []byte) *claim {
	return &claim{Key{ID: KeyID(public), Public: public}, [32]byte{n}, Signature{Value: signature}}
}

func honest(seed, n byte) *claim {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	c := claimOf(private.Public().(ed25519.PublicKey), n, nil)
	c.signature.Value = ed25519.Sign(private, c.signed())
	return c
}

// holdsAnywhere is whether a signature holds, which does not depend on how many it is verified with.
func holdsAnywhere(t *testing.T, c *claim, what string) bool {
	t.Helper()
	alone := c.holds()
	for _, beside := range [][]*claim{{c}, {c, c}, {honest(1, 1), c}, {honest(1, 1), honest(2, 2), c, honest(1, 3), honest(2, 4)}} {
		require.Equal(t, alone, holdTogether(beside), "%s, among %d", what, len(beside))
	}
	return alone
}

// The signatures on which implementations differ: with a key, or a point R, that honest programs do not make.
// Ours are all accepted, alone and among others, as ZIP 215 says; the standard library refuses some of them.
func TestASignatureCountsTheSameAloneAndAmongOthers(t *testing.T) {
	differ := 0
	for _, a := range smallOrder {
		for _, r := range smallOrder {
			public, err := hex.DecodeString(a)
			require.NoError(t, err)
			first, err := hex.DecodeString(r)
			require.NoError(t, err)
			c := claimOf(public, 0, append(first, make([]byte, 32)...))
			require.True(t, holdsAnywhere(t, c, a+" "+r))
			if !ed25519.Verify(public, c.signed(), c.signature.Value) {
				differ++
			}
		}
	}
	require.NotZero(t, differ)

	// with an honest key, an R that has such a point in it: only the key's holder can make it
	seed := sha512.Sum512(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	private, err := edwards25519.NewScalar().SetBytesWithClamping(seed[:32])
	require.NoError(t, err)
	for _, small := range smallOrder[2:] {
		encoded, err := hex.DecodeString(small)
		require.NoError(t, err)
		torsion, err := new(edwards25519.Point).SetBytes(encoded)
		require.NoError(t, err)
		c := honest(1, 9)
		r := new(edwards25519.Point).Add(edwards25519.NewGeneratorPoint(), torsion) // its scalar is 1
		one, err := edwards25519.NewScalar().SetCanonicalBytes(append([]byte{1}, make([]byte, 31)...))
		require.NoError(t, err)
		h := sha512.New()
		h.Write(r.Bytes())
		h.Write(c.key.Public)
		h.Write(c.signed())
		k, err := edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
		require.NoError(t, err)
		c.signature.Value = append(r.Bytes(), edwards25519.NewScalar().MultiplyAdd(k, private, one).Bytes()...)
		require.True(t, holdsAnywhere(t, c, small))
	}
}

func TestASignatureThatIsWrongHoldsNowhere(t *testing.T) {
	for bit := range 512 {
		c := honest(1, 9)
		c.signature.Value[bit/8] ^= 1 << (bit % 8)
		require.False(t, holdsAnywhere(t, c, fmt.Sprint("bit ", bit)))
	}
	c := honest(1, 9)
	c.key = honest(2, 9).key
	require.False(t, holdsAnywhere(t, c, "another key's"))
	c = honest(1, 9)
	c.digest[0]++
	require.False(t, holdsAnywhere(t, c, "over something else"))
	c = honest(1, 9)
	c.signature.Value = c.signature.Value[:63]
	require.False(t, holdTogether([]*claim{honest(1, 1), c}))

	// s and the group's order more: the same signature in other bytes
	order, err := hex.DecodeString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	require.NoError(t, err)
	c = honest(1, 9)
	carry := 0
	for i, b := range order {
		carry += int(c.signature.Value[32+i]) + int(b)
		c.signature.Value[32+i], carry = byte(carry), carry>>8
	}
	require.False(t, holdsAnywhere(t, c, "s is too large"))

	// two that make up for each other unless each counts by itself: s too large in one by what the other lacks
	one, two := honest(1, 1), honest(1, 2)
	one.signature.Value[32]++
	two.signature.Value[32]--
	require.NotZero(t, one.signature.Value[32])
	require.NotEqual(t, byte(255), two.signature.Value[32])
	require.False(t, holdTogether([]*claim{one, two}))
}
