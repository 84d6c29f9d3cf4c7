// SPDX-License-Identifier: Apache-2.0

// The micro benchmarks of goroutines.c in Go, the peer that they are measured against.
//
//	bench BENCHMARK OPERATIONS       prints "OPERATIONS CPU-nanoseconds"; of pipeline, nanoseconds on the wall
//
// Number of processors: environment GOMAXPROCS.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
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

func buffered(ops, capacity int) {
	ch := make(chan int, capacity)
	sum := 0
	go produce(ch, ops)
	for v := range ch {
		sum += v
	}
	if sum != ops*(ops-1)/2 {
		panic("buffered")
	}
}

// About a microsecond that no compiler shortens.
func work(x uint) uint {
	for i := 0; i < 500; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

func produceWork(ch chan<- uint, ops int) {
	for i := 0; i < ops; i++ {
		ch <- work(uint(i) + 1)
	}
	close(ch)
}

func pipeline(ops, capacity int) {
	ch := make(chan uint, capacity)
	sum := uint(0)
	go produceWork(ch, ops)
	for v := range ch {
		sum += work(v)
	}
	if sum == 0 {
		panic("pipeline")
	}
}

func produceInTurn(ch []chan int, ops int) {
	for i := 0; i < ops; i++ {
		ch[i%len(ch)] <- i
	}
}

func selectOf(ops, n int) {
	var ch [4]chan int
	for i := range ch {
		ch[i] = make(chan int)
	}
	v, sum := 0, 0
	go produceInTurn(ch[:n], ops)
	for i := 0; i < ops; i++ {
		switch n {
		case 2:
			select {
			case v = <-ch[0]:
			case v = <-ch[1]:
			}
		case 3:
			select {
			case v = <-ch[0]:
			case v = <-ch[1]:
			case v = <-ch[2]:
			}
		default:
			select {
			case v = <-ch[0]:
			case v = <-ch[1]:
			case v = <-ch[2]:
			case v = <-ch[3]:
			}
		}
		sum += v
	}
	if sum < 0 {
		panic("select")
	}
}

var counter int // escapes, as the volatile of the C program does

func countUp(mu *sync.Mutex, ops int, givesWay bool) {
	for i := 0; i < ops; i++ {
		mu.Lock()
		counter++
		if givesWay {
			runtime.Gosched()
		}
		mu.Unlock()
	}
}

func countBy(ops, tasks int, givesWay bool) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	wg.Add(tasks)
	for i := 0; i < tasks; i++ {
		go func() {
			countUp(&mu, ops/tasks, givesWay)
			wg.Done()
		}()
	}
	wg.Wait()
}

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

func wall() int64 { return time.Now().UnixNano() }

type benchmark struct {
	run   func(int)
	clock func() int64
}

// with is a benchmark of a parameter.
func with(f func(int, int), parameter int) func(int) {
	return func(ops int) { f(ops, parameter) }
}

func main() {
	benchmarks := map[string]benchmark{
		"spawn": {spawn, cpu}, "roundtrip": {roundtrip, cpu}, "buffered1": {with(buffered, 1), cpu},
		"buffered": {with(buffered, 64), cpu}, "buffered1024": {with(buffered, 1024), cpu},
		"pipeline": {with(pipeline, 64), wall}, "select2": {with(selectOf, 2), cpu},
		"select": {with(selectOf, 3), cpu}, "select4": {with(selectOf, 4), cpu}, "mutex": {mutex, cpu},
		"mutex100":  {func(ops int) { countBy(ops, 100, false) }, cpu},
		"mutexpark": {func(ops int) { countBy(ops, 100, true) }, cpu}, "fanout": {fanout, cpu}}
	ops := 0
	if len(os.Args) == 3 {
		ops, _ = strconv.Atoi(os.Args[2])
	}
	if ops <= 0 || benchmarks[os.Args[1]].run == nil {
		fmt.Fprintln(os.Stderr, "usage: bench BENCHMARK OPERATIONS; as goroutines.c has them")
		os.Exit(64)
	}
	b := benchmarks[os.Args[1]]
	b.run(ops/10 + 1)
	start := b.clock()
	b.run(ops)
	fmt.Println(ops, b.clock()-start)
}
