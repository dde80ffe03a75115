package service

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// mappedBits are what an IPv4 address has before it where it is written as IPv6.
const mappedBits = 96

// Proxies are those whose word counts for who sends a request.
type Proxies []netip.Prefix

// UnmarshalText reads addresses and networks, separated by commas.
func (p *Proxies) UnmarshalText(text []byte) error {
	var read Proxies
	for entry := range strings.SplitSeq(string(text), ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		if address, err := netip.ParseAddr(entry); err == nil {
			read = append(read, netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(entry)
		if err != nil {
			return fmt.Errorf("TRUSTED_PROXIES contains %q: use addresses and networks such as 10.0.0.0/8", entry)
		}
		// Peers are compared as IPv4.
		if address := network.Addr(); address.Is4In6() && network.Bits() >= mappedBits {
			network = netip.PrefixFrom(address.Unmap(), network.Bits()-mappedBits)
		}
		if network.Bits() == 0 {
			return fmt.Errorf("TRUSTED_PROXIES contains %q, which is everybody, so that anybody could say who they are: use the proxies' own networks", entry)
		}
		read = append(read, network.Masked())
	}
	*p = read
	return nil
}

func (p Proxies) trust(address netip.Addr) bool {
	for _, network := range p {
		if network.Contains(address.Unmap()) {
			return true
		}
	}
	return false
}

// behind gives next requests with the address of the client that the proxies name: the last in
// X-Forwarded-For that is no proxy itself. What stands before it anybody can have written.
func (p Proxies) behind(next http.Handler) http.Handler {
	if len(p) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && p.trust(peer.Addr()) {
			named := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
			for i := len(named) - 1; i >= 0; i-- {
				client, err := addressOf(strings.TrimSpace(named[i]))
				if err != nil {
					break
				}
				r.RemoteAddr = net.JoinHostPort(client.String(), "0")
				if !p.trust(client) {
					break
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// addressOf reads an address; some proxies add the client's port.
func addressOf(named string) (netip.Addr, error) {
	if both, err := netip.ParseAddrPort(named); err == nil {
		return both.Addr(), nil
	}
	return netip.ParseAddr(named)
}
