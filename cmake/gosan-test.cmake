# SPDX-License-Identifier: Apache-2.0
# gosan in a CMake project: from an installed package (find_package(goroutine) includes this file), or from gosan's
# own tree (include() it; the targets gosan, gosan_hooks and gosan_hot are there).
#
# gosan_instrument(target...)
#   Compile the target's own C and C++ sources so that their memory accesses are checked, as "gosan cc" does. The
#   program also runs without gosan. For libraries and programs alike; never link with -fsanitize=thread. Each gets
#   the part of the hooks that answers most calls (libgosan_hot.a) in front of the rest.
#
# gosan_add_test(NAME name COMMAND program [arg...]
#                [OPTIONS gosan-run-option...] [SUPPRESSIONS file] [BASELINE file] [TIMEOUT seconds]
#                [WORKING_DIRECTORY dir] [LABELS label...] [ENVIRONMENT var=value...])
#   add_test() under the detector, for cmocka and plain programs alike: status 66, a failure, on a finding; 77, a
#   skipped test, when nothing could be checked. TIMEOUT is gosan's, so that a test that hangs says who waits for
#   whom; ctest's own follows half a minute later. Relative file names are relative to the source directory.
#   A cmocka test that waits in goroutine calls wants ENVIRONMENT GO_PROCS=1, see testcases/ci-demo.
#   Under "gosan gate -- ctest" such a test passes, and the gate judges its findings.

set(GOSAN_INSTRUMENT_OPTIONS -g -fsanitize=thread -fno-omit-frame-pointer
	# What the compiler would expand in place is seen when libc does it.
	$<$<C_COMPILER_ID:GNU>:-fno-builtin-memcpy;-fno-builtin-memmove;-fno-builtin-memset;-fno-builtin-memcmp>
	$<$<C_COMPILER_ID:GNU>:-fno-builtin-mempcpy;-fno-builtin-bcmp;-fno-builtin-stpcpy;-fno-builtin-strncat>
	$<$<C_COMPILER_ID:GNU>:-fno-builtin-strcpy;-fno-builtin-strncpy;-fno-builtin-strcat;-fno-builtin-strcmp>
	$<$<C_COMPILER_ID:GNU>:-fno-builtin-strncmp;-fno-builtin-sprintf;-fno-builtin-snprintf>
	$<$<C_COMPILER_ID:Clang>:-fno-vectorize;-fno-slp-vectorize>)

# An installed libgoroutine without gosan.
function(gosan_need file)
	if(NOT EXISTS "${file}")
		message(FATAL_ERROR "gosan is not installed: ${file} is missing")
	endif()
endfunction()

function(gosan_instrument)
	if(TARGET gosan_hooks)
		set(hooks $<TARGET_FILE:gosan_hot> $<TARGET_FILE:gosan_hooks>)
	else()
		gosan_need("${GOSAN_HOT}")
		gosan_need("${GOSAN_HOOKS}")
		set(hooks ${GOSAN_HOT} ${GOSAN_HOOKS})
	endif()
	foreach(target ${ARGN})
		target_compile_options(${target} PRIVATE ${GOSAN_INSTRUMENT_OPTIONS})
		get_target_property(type ${target} TYPE)
		# Whoever links a static library must find the hooks too.
		if(type STREQUAL "STATIC_LIBRARY" OR type STREQUAL "OBJECT_LIBRARY")
			target_link_libraries(${target} PUBLIC ${hooks})
		else()
			target_link_libraries(${target} PRIVATE ${hooks})
		endif()
		if(TARGET gosan_hooks)
			add_dependencies(${target} gosan_hooks gosan_hot)
		endif()
	endforeach()
endfunction()

function(gosan_add_test)
	cmake_parse_arguments(arg "" "NAME;SUPPRESSIONS;BASELINE;TIMEOUT;WORKING_DIRECTORY"
		"COMMAND;OPTIONS;LABELS;ENVIRONMENT" ${ARGN})
	if(NOT arg_NAME OR NOT arg_COMMAND)
		message(FATAL_ERROR "gosan_add_test: NAME and COMMAND are needed")
	endif()
	if(arg_UNPARSED_ARGUMENTS)
		message(FATAL_ERROR "gosan_add_test(${arg_NAME}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
	endif()
	if(TARGET gosan)
		set(tool $<TARGET_FILE:gosan>)
	else()
		gosan_need("${GOSAN_PROGRAM}")
		set(tool ${GOSAN_PROGRAM})
	endif()
	list(POP_FRONT arg_COMMAND program)
	if(TARGET ${program})
		set(program $<TARGET_FILE:${program}>)
	endif()
	foreach(file SUPPRESSIONS BASELINE)
		if(arg_${file})
			get_filename_component(path ${arg_${file}} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
			string(TOLOWER ${file} option)
			list(APPEND arg_OPTIONS --${option}=${path})
		endif()
	endforeach()
	if(arg_TIMEOUT)
		list(APPEND arg_OPTIONS --timeout=${arg_TIMEOUT})
	endif()
	if(arg_WORKING_DIRECTORY)
		set(directory WORKING_DIRECTORY ${arg_WORKING_DIRECTORY})
	endif()
	add_test(NAME ${arg_NAME} ${directory} COMMAND ${tool} run ${arg_OPTIONS} -- ${program} ${arg_COMMAND})
	set_tests_properties(${arg_NAME} PROPERTIES SKIP_RETURN_CODE 77)
	if(arg_TIMEOUT)
		math(EXPR limit "${arg_TIMEOUT} + 30")
		set_tests_properties(${arg_NAME} PROPERTIES TIMEOUT ${limit})
	endif()
	if(arg_LABELS)
		set_tests_properties(${arg_NAME} PROPERTIES LABELS "${arg_LABELS}")
	endif()
	if(arg_ENVIRONMENT)
		set_tests_properties(${arg_NAME} PROPERTIES ENVIRONMENT "${arg_ENVIRONMENT}")
	endif()
endfunction()
