package program

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// given are the ports that FreeAddresses has given.
var given sync.Map

// FreeAddresses are n addresses that nobody listens on just now, and that it gives once. They are none that
// the system gives to outgoing connections, since what is started again finds them free.
func FreeAddresses(n int) ([]string, error) {
	const first, last = 20000, 32000 // Linux gives 32768 and more
	list := make([]string, 0, n)
	for range 100 + 10*n {
		if len(list) == n {
			return list, nil
		}
		port := first + rand.IntN(last-first)
		if _, taken := given.LoadOrStore(port, true); taken {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			continue
		}
		_ = l.Close()
		list = append(list, fmt.Sprintf("127.0.0.1:%d", port))
	}
	return nil, errors.New("no port is free")
}
