# SPDX-License-Identifier: Apache-2.0
# One line declares a module, a program or a test; flags and sanitizers come from here alone.

find_program(SKYLARK_MOLD mold)
if(SKYLARK_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(skylark_flags INTERFACE)
target_compile_options(skylark_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms of g++ 12 at -O2 and -O3: inside std::string and std::vector, and on the frames of coroutines.
  target_compile_options(skylark_flags INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-maybe-uninitialized -Wno-mismatched-new-delete)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64" AND NOT SKYLARK_SANITIZE)
  # g++ clears and copies 50 to 8,000 bytes by "rep stos" and "rep movs", which take long to start; the C library has better ways.
  target_compile_options(skylark_flags INTERFACE -mmemcpy-strategy=libcall:-1:noalign -mmemset-strategy=libcall:-1:noalign)
endif()
if(SKYLARK_SANITIZE STREQUAL "address")
  target_compile_options(skylark_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all)
  target_link_options(skylark_flags INTERFACE -fsanitize=address,undefined)
elseif(SKYLARK_SANITIZE STREQUAL "thread")
  # Asio's fences are not understood by the thread sanitizer.
  target_compile_options(skylark_flags INTERFACE -fsanitize=thread)
  target_compile_definitions(skylark_flags INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
  target_link_options(skylark_flags INTERFACE -fsanitize=thread)
elseif(SKYLARK_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "the fuzz targets need clang (preset fuzz)")
  endif()
  # The warnings that count are those of g++; clang knows others.
  target_compile_options(skylark_flags INTERFACE -Wno-error -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  target_link_options(skylark_flags INTERFACE -fsanitize=address,undefined)
elseif(SKYLARK_SANITIZE)
  message(FATAL_ERROR "SKYLARK_SANITIZE is '${SKYLARK_SANITIZE}': want nothing, address or thread")
endif()
target_include_directories(skylark_flags INTERFACE "${CMAKE_SOURCE_DIR}" "${CMAKE_BINARY_DIR}/generated")

# skylark_add_module(name SOURCES ... DEPENDS ...): static library skylark::name.
function(skylark_add_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(skylark_${name} STATIC ${ARG_SOURCES})
  add_library(skylark::${name} ALIAS skylark_${name})
  target_link_libraries(skylark_${name} PUBLIC skylark_flags ${ARG_DEPENDS})
endfunction()

# skylark_add_program(name SOURCES ... DEPENDS ...): executable in bin/.
function(skylark_add_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE skylark_flags ${ARG_DEPENDS})
endfunction()

# skylark_add_test(name SOURCES ... DEPENDS ... LABELS ... [TIMEOUT s]): a Catch2 program, one ctest entry for each program.
function(skylark_add_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE skylark_flags skylark_test_main ${ARG_DEPENDS})
  target_compile_definitions(${name} PRIVATE SKYLARK_GOLDEN_DIR="${CMAKE_SOURCE_DIR}/tests/golden")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
endfunction()
