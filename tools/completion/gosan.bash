# SPDX-License-Identifier: Apache-2.0
# bash completion for gosan. Options and codes are asked of the program, so they are never out of date.
_gosan() {
	local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}

	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(gosan --help |
			sed -n -E 's/^  ([a-z+]{1,7})  +.*/\1/p; s/^  ([a-z+]{8}) .*/\1/p')" -- "$cur")
		return
	fi
	case $command in
	run | gate)
		if [[ $cur == --* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$(gosan "$command" --help | grep -o -- '--[a-z-]*')" -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -c -- "$cur"; compgen -f -- "$cur")
		fi
		;;
	baseline)
		if [ "$COMP_CWORD" -eq 2 ]; then
			mapfile -t COMPREPLY < <(compgen -W "update stale" -- "$cur")
		elif [[ $cur == --* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$(gosan baseline --help | grep -o -- '--[a-z-]*')" -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
		;;
	report | dump | export | import)
		if [[ $cur == --* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$(gosan "$command" --help | grep -o -- '--[a-z-]*')" -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		fi
		;;
	explain)
		mapfile -t COMPREPLY < <(compgen -W "$(gosan explain --list | awk '{ print $1, $2 }')" -- "$cur")
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	esac
}
complete -F _gosan gosan
