# SPDX-License-Identifier: Apache-2.0
# How every file of gosan is compiled. GOSAN_SANITIZE=address|undefined|address,undefined builds the unit
# tests and what they link with that sanitizer (never the preloaded library).
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
	set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g")

set(GOSAN_SANITIZE "" CACHE STRING "sanitizers for the unit tests: address, undefined or both")
option(GOSAN_COVERAGE "build the unit tests for gcov" OFF)

add_library(gosan_flags INTERFACE)
target_compile_definitions(gosan_flags INTERFACE _GNU_SOURCE)
target_compile_options(gosan_flags INTERFACE
	$<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wshadow -Wconversion -Werror>
	-fno-omit-frame-pointer)

# The same, plus the sanitizer that the preset asks for: unit tests and the object files under test.
add_library(gosan_test_flags INTERFACE)
target_link_libraries(gosan_test_flags INTERFACE gosan_flags)
if(GOSAN_SANITIZE)
	target_compile_options(gosan_test_flags INTERFACE -fsanitize=${GOSAN_SANITIZE} -fno-sanitize-recover=all)
	target_link_options(gosan_test_flags INTERFACE -fsanitize=${GOSAN_SANITIZE})
endif()
if(GOSAN_COVERAGE)
	target_compile_options(gosan_test_flags INTERFACE --coverage)
	target_link_options(gosan_test_flags INTERFACE --coverage)
endif()
