package live_test

import (
	"bufio"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
)

// BenchmarkAnOpenSocket measures the memory that an open socket holds while nothing happens, this process's
// alone. An operation is one more open socket.
func BenchmarkAnOpenSocket(b *testing.B) {
	a := newApp(b)
	address := strings.TrimPrefix(a.url, "ws://")
	before := inUse()
	conns := make([]net.Conn, b.N)
	for i := range conns {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Fatal(err)
		}
		conns[i] = conn
		_, err = conn.Write([]byte("GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"))
		if err != nil {
			b.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
			b.Fatal(response, err)
		}
	}
	eventually(b, "all are open", func() bool { return a.hub.Sockets() == b.N })
	b.ReportMetric(float64(inUse()-before)/float64(b.N), "bytes/socket")
	for _, conn := range conns {
		_ = conn.Close()
	}
	eventually(b, "all are closed", func() bool { return a.hub.Sockets() == 0 })
}

// inUse is the memory of heap and stacks after a collection.
func inUse() uint64 {
	runtime.GC()
	runtime.GC() // which frees what pools keep
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapInuse + stats.StackInuse
}
