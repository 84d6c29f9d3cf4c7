# SPDX-License-Identifier: Apache-2.0
# gosan_add_test(NAME name COMMAND program [arg...] [OPTIONS gosan-run-option...])
#   add_test() under the detector: the test fails with status 66 on a finding. Build the program with
#   -fsanitize=thread on its objects (never on its link line) to have its memory accesses checked.
function(gosan_add_test)
	cmake_parse_arguments(arg "" "NAME" "COMMAND;OPTIONS" ${ARGN})
	if(NOT arg_NAME OR NOT arg_COMMAND)
		message(FATAL_ERROR "gosan_add_test: NAME and COMMAND are needed")
	endif()
	list(POP_FRONT arg_COMMAND program)
	if(TARGET ${program})
		set(program $<TARGET_FILE:${program}>)
	endif()
	add_test(NAME ${arg_NAME} COMMAND ${GOSAN_PROGRAM} run ${arg_OPTIONS} -- ${program} ${arg_COMMAND})
	set_tests_properties(${arg_NAME} PROPERTIES SKIP_RETURN_CODE 77)
endfunction()
