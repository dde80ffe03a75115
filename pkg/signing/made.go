package signing

import (
	"crypto/ed25519"
	"crypto/sha256"
	"sync"
)

// madeKept is how many of the signatures that were made last are remembered: some seconds of a service's.
const madeKept = 4096

// proof is a signature, what it is over, and the key that it is made with.
type proof struct {
	keyID     string
	digest    [sha256.Size]byte
	signature [ed25519.SignatureSize]byte
}

// made are the proofs that this process has made lately. One that comes back to it is right, to the last bit,
// and need not be reckoned once more: much of what a service receives is its own. The zero value is ready.
type made struct {
	mu    sync.Mutex
	known map[proof]struct{}
	last  []proof // a ring, as long as that
	next  int
}

func (m *made) add(p proof) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, is := m.known[p]; is {
		return
	}
	if m.known == nil {
		m.known, m.last = make(map[proof]struct{}, madeKept), make([]proof, madeKept)
	}
	delete(m.known, m.last[m.next])
	m.known[p], m.last[m.next] = struct{}{}, p
	m.next = (m.next + 1) % madeKept
}

func (m *made) has(p proof) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, is := m.known[p]
	return is
}

// proofOf is a proof with a signature as it came; not ok for one that has another length.
func proofOf(keyID string, digest [sha256.Size]byte, signature []byte) (p proof, ok bool) {
	p = proof{keyID: keyID, digest: digest}
	return p, copy(p.signature[:], signature) == len(p.signature) && len(signature) == len(p.signature)
}
