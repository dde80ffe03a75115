package signing

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyTheLastSignaturesThatWereMadeAreRemembered(t *testing.T) {
	var m made
	nth := func(n int) (p proof) {
		p.keyID = "key"
		binary.BigEndian.PutUint64(p.digest[:], uint64(n))
		return p
	}
	m.add(nth(0))
	for range 3 {
		m.add(nth(1)) // what is published twice has the same signature
	}
	for n := 2; n < madeKept; n++ {
		m.add(nth(n))
	}
	for _, n := range []int{0, 1, madeKept - 1} {
		require.True(t, m.has(nth(n)), n)
	}
	other := nth(1)
	other.signature[63] ^= 1
	require.False(t, m.has(other))
	other = nth(1)
	other.keyID = "another"
	require.False(t, m.has(other))

	m.add(nth(madeKept))
	m.add(nth(madeKept + 1))
	require.False(t, m.has(nth(0)))
	require.False(t, m.has(nth(1)))
	require.True(t, m.has(nth(2)))
	require.Len(t, m.known, madeKept)

	_, ok := proofOf("key", other.digest, make([]byte, 63))
	require.False(t, ok)
	_, ok = proofOf("key", other.digest, make([]byte, 65))
	require.False(t, ok)
	p, ok := proofOf("key", nth(2).digest, make([]byte, 64))
	require.True(t, ok)
	require.True(t, m.has(p))
}
