// SPDX-License-Identifier: Apache-2.0

// Many goroutines at once: what scale.c does, by Go. Number of processors: environment GOMAXPROCS.
package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const spread = 500 * time.Millisecond

func memory() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	kb := 0
	for _, line := range strings.Split(string(status), "\n") {
		if strings.HasPrefix(line, "VmRSS:") || strings.HasPrefix(line, "VmPTE:") {
			n, _ := strconv.Atoi(strings.Fields(line)[1])
			kb += n
		}
	}
	return kb * 1024
}

func cpu() int {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return int(u.Utime.Nano() + u.Stime.Nano())
}

func parked(n int) {
	gate := make(chan struct{})
	var begun, ended sync.WaitGroup
	before, start := memory(), cpu()
	for i := 0; i < n; i++ {
		begun.Add(1)
		ended.Add(1)
		go func() {
			begun.Done()
			<-gate
			ended.Done()
		}()
	}
	begun.Wait()
	fmt.Printf("bytes %d\nns %d\n", (memory()-before)/n, (cpu()-start)/n)
	fmt.Printf("peak_mb %d\n", memory()>>20)
	close(gate)
	ended.Wait()
	debug.FreeOSMemory() // else minutes later
	time.Sleep(3 * time.Second)
	fmt.Printf("after_mb %d\n", memory()>>20)
}

func joined(n int) {
	var wg sync.WaitGroup
	start := cpu()
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() { wg.Done() }()
	}
	wg.Wait()
	fmt.Printf("ns %d\n", (cpu()-start)/n)
}

func sleepers(n int) {
	late := make([]time.Duration, n)
	begin, start := time.Now().Add(time.Second), cpu()
	var wg sync.WaitGroup
	wg.Add(n)
	for i := 0; i < n; i++ {
		i, until := i, begin.Add(time.Duration(i*7919%n)*spread/time.Duration(n))
		go func() {
			time.Sleep(time.Until(until))
			late[i] = time.Since(until)
			wg.Done()
		}()
	}
	wg.Wait()
	fmt.Printf("ns %d\n", (cpu()-start)/n)
	sort.Slice(late, func(i, j int) bool { return late[i] < late[j] })
	fmt.Printf("late_p50_us %d\nlate_p99_us %d\n", late[n/2].Microseconds(), late[n*99/100].Microseconds())
}

func idle(seconds int) {
	joined(10000)
	start := cpu()
	time.Sleep(time.Duration(seconds) * time.Second)
	fmt.Printf("idle_us_per_s %d\n", (cpu()-start)/1000/seconds)
}

func main() {
	kinds := map[string]func(int){"parked": parked, "joined": joined, "sleepers": sleepers, "idle": idle}
	if len(os.Args) == 3 {
		if n, err := strconv.Atoi(os.Args[2]); err == nil && n > 0 && kinds[os.Args[1]] != nil {
			kinds[os.Args[1]](n)
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: scale parked|joined|sleepers N, scale idle SECONDS")
	os.Exit(64)
}
