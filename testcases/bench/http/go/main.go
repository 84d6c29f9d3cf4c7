// SPDX-License-Identifier: Apache-2.0

// server.c with Go's net/http: the body back, or the path when there is none.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("listening on %d\n", listener.Addr().(*net.TCPAddr).Port)
	server := http.Server{IdleTimeout: time.Minute, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if len(body) == 0 {
				body = []byte(r.URL.Path)
			}
			w.Header().Set("Content-Type", "text/plain")
			w.Write(body)
		})}
	server.Serve(listener)
}
