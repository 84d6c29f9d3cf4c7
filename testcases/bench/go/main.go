// SPDX-License-Identifier: Apache-2.0

// The micro benchmarks of goroutines.c in Go, the peer that they are measured against.
//
//	bench BENCHMARK OPERATIONS       prints "OPERATIONS CPU-nanoseconds"
//
// Number of processors: environment GOMAXPROCS.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
)

func nothing(wg *sync.WaitGroup) { wg.Done() }

func spawn(ops int) {
	var wg sync.WaitGroup
	for i := 0; i < ops; i++ {
		wg.Add(1)
		go nothing(&wg)
	}
	wg.Wait()
}

func echo(ping <-chan int, pong chan<- int) {
	for v := range ping {
		pong <- v
	}
	close(pong)
}

func roundtrip(ops int) {
	ping, pong := make(chan int), make(chan int)
	go echo(ping, pong)
	for i := 0; i < ops; i++ {
		ping <- i
		if <-pong != i {
			panic("roundtrip")
		}
	}
	close(ping)
	<-pong
}

func produce(ch chan<- int, ops int) {
	for i := 0; i < ops; i++ {
		ch <- i
	}
	close(ch)
}

func buffered(ops int) {
	ch := make(chan int, 64)
	sum := 0
	go produce(ch, ops)
	for v := range ch {
		sum += v
	}
	if sum != ops*(ops-1)/2 {
		panic("buffered")
	}
}

func produce3(a, b, c chan<- int, ops int) {
	for i := 0; i < ops; i += 3 {
		a <- i
		b <- i
		c <- i
	}
}

func select3(ops int) {
	a, b, c := make(chan int), make(chan int), make(chan int)
	v, sum := 0, 0
	go produce3(a, b, c, ops)
	for i := 0; i < (ops+2)/3*3; i++ {
		select {
		case v = <-a:
		case v = <-b:
		case v = <-c:
		}
		sum += v
	}
	if sum < 0 {
		panic("select")
	}
}

var counter int // escapes, as the volatile of the C program does

func mutex(ops int) {
	var mu sync.Mutex
	for i := 0; i < ops; i++ {
		mu.Lock()
		counter++
		mu.Unlock()
	}
}

func fanout(ops int) {
	for i := 0; i < ops; i += 1000 {
		spawn(1000)
	}
}

func cpu() int64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}

func main() {
	benchmarks := map[string]func(int){"spawn": spawn, "roundtrip": roundtrip, "buffered": buffered,
		"select": select3, "mutex": mutex, "fanout": fanout}
	ops := 0
	if len(os.Args) == 3 {
		ops, _ = strconv.Atoi(os.Args[2])
	}
	if ops <= 0 || benchmarks[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: bench spawn|roundtrip|buffered|select|mutex|fanout OPERATIONS")
		os.Exit(64)
	}
	run := benchmarks[os.Args[1]]
	run(ops/10 + 1)
	start := cpu()
	run(ops)
	fmt.Println(ops, cpu()-start)
}
