#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each CASE of each file here must be refused with the message that its comment asks for; CASE 0 must compile
# without a warning. With every compiler given, by default those of gcc and clang that exist.
# usage: run_compile_tests.sh [COMPILER...]
cd "$(dirname "$0")" || exit 70
include=../../../../runtime
failed=0 ran=0
if [ $# -eq 0 ]; then
	for cc in gcc "$(command -v clang || echo clang-14)"; do
		command -v "$cc" >/dev/null && set -- "$@" "$cc"
	done
fi
[ $# -gt 0 ] || { echo "no compiler"; exit 77; }

check() { # compiler file case pattern
	out=$(LC_ALL=C $1 -std=gnu11 -O1 -c -o /dev/null -Wall -Wextra -Wshadow -Wconversion $5 -I$include -DCASE=$3 $2 2>&1)
	status=$?
	ran=$((ran + 1))
	if [ -z "$4" ]; then
		[ $status -eq 0 ] && return
		echo "FAIL $2 case $3: $1 refuses the correct program:"
	else
		[ $status -ne 0 ] && printf '%s' "$out" | tr -d "\\\\" | grep -Eq "$4" && return
		echo "FAIL $2 case $3: $1 (status $status) should say: $4"
	fi
	printf '%s\n' "$out" | head -20
	failed=$((failed + 1))
}

# Whether a lock is more than a call: only the inline way looks at go_watched_.
inline() { # compiler wanted options...
	cc=$1 wanted=$2
	shift 2
	ran=$((ran + 1))
	if printf '%s\n' '#include <goroutine.h>' 'go_mutex m;' 'void f(void) { go_mutex_lock(&m); go_mutex_unlock(&m); }' |
		$cc -I$include -Werror "$@" -S -o - - | grep -q go_watched_; then
		got=yes
	else
		got=no
	fi
	[ $got = $wanted ] && return
	echo "FAIL $cc $*: inline locks: $got, not $wanted"
	failed=$((failed + 1))
}

for cc; do
	c="-x c -std=c99 -pedantic" cpp="-x c++ -std=c++17"
	inline $cc yes $c -O2 -fPIE
	inline $cc yes $c -O2 -fPIC
	inline $cc yes $cpp -O2 -fPIE
	inline $cc no $c -O0 -fPIE
	inline $cc no $c -O2 -fno-pie
	inline $cc no $c -O2 -fPIE -DGO_CALLS
	inline $cc no $c -O2 -fPIE -fsanitize=thread
	inline $cc no $cpp -O2 -fPIE -fsanitize=thread
	for file in *.c; do
		check $cc $file 0 "" -Werror
		cases=$(sed -n 's|^#elif CASE == \([0-9]*\) */\* \(.*\) \*/$|\1 \2|p' $file)
		while read -r n pattern; do
			check $cc $file "$n" "$pattern"
		done <<-END
			$cases
		END
	done
done
echo "$ran compilations, $failed failed"
[ $failed -eq 0 ] && [ $ran -ge 10 ]
