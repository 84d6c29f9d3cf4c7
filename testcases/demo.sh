#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The guide's pitfalls under gosan: what it says of each broken program, and that it is silent about the
# fixed ones.
#
# usage: demo.sh BUILD_DIR        status 0 when every pitfall was found and no fix was blamed
set -uo pipefail

build=${1:?usage: demo.sh BUILD_DIR}
gosan=$build/bin/gosan
sources=$(cd "$(dirname "$0")" && pwd)/guide/pitfalls
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
shown=0 found=0 fixes=0 silent=0

caption() {
	printf '\n==== %s\n     %s\n\n' "$1" "$2"
}

# The kind that a case expects, from its EXPECT line: "GS101 data-race".
expected() {
	sed -n 's,^// EXPECT: ,,p' "$sources/$1.c"
}

pitfall() { # case, caption
	local want code
	want=$(expected "$1")
	code=${want%% *}
	caption "$2" "guide/pitfalls/$1.c"
	shown=$((shown + 1))
	GO_PROCS=${GO_PROCS:-2} "$gosan" run -- "$build/cases/guide.pitfalls.$1" >"$scratch/out" 2>"$scratch/report"
	local status=$?
	cat "$scratch/report"
	if [ $status -eq 66 ] && grep -q "$code" "$scratch/report"; then
		found=$((found + 1))
	else
		echo "demo: expected $want and status 66, got status $status"
	fi
}

fix() { # case: silence and status 0
	fixes=$((fixes + 1))
	if GO_PROCS=${GO_PROCS:-2} "$gosan" run -- "$build/cases/guide.pitfalls.$1" >"$scratch/out" 2>"$scratch/report"; then
		silent=$((silent + 1))
	else
		echo "demo: $1 should be clean:"
		cat "$scratch/report"
	fi
}

pitfall goroutine_leak_bug "Goroutine leak: the consumer of a channel that nobody closes"
pitfall data_race_bug "Race condition: two goroutines increment a counter"
pitfall waitgroup_add_first_bug "WaitGroup: Add inside the goroutine, and luck put it before the Wait"
pitfall waitgroup_wait_first_bug "WaitGroup: Add inside the goroutine, and the Wait came first"
pitfall loop_variable_bug "Loop variable captured by reference"
pitfall sleep_instead_of_sync_bug "A sleep instead of synchronisation"

for source in "$sources"/*_ok.c; do
	fix "$(basename "$source" .c)"
done

printf '\n==== %d of %d pitfalls found, %d of %d fixes clean\n' $found $shown $silent $fixes
[ $found -eq $shown ] && [ $silent -eq $fixes ]
