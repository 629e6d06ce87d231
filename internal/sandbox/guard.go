package sandbox

import (
	"net"
	"net/http"
)

// guard keeps web pages from elsewhere out: whoever reaches the hooks can act as
// anybody, and a browser on this machine reaches them for any page it shows.
//
// A page of another origin may send a form or a no-cors request; it is refused by
// what browsers say of where a request comes from. A page whose own name was made
// to point at 127.0.0.1 counts as the same origin; it is refused by the Host that
// it asks for. Programs, which say neither, are not concerned.
func guard(next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host // without a port
		}
		if !isLoopback(host) {
			answer(w, http.StatusForbidden, map[string]any{"error": "the sandbox answers as 127.0.0.1 or localhost only, not as " + host})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLoopback reports whether a host, as in an address or a Host header, is this
// machine under a name that nobody else can give it.
func isLoopback(host string) bool {
	if n := len(host); n > 1 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
