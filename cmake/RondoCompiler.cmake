# Compiler settings shared by every target: build types, warnings, sanitizers, compiler cache, linker.

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release or Dev" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g0" CACHE STRING "" FORCE)
set(CMAKE_CXX_FLAGS_DEV "-O1 -g1" CACHE STRING "" FORCE)

find_program(RONDO_CCACHE ccache)
if(RONDO_CCACHE)
  # The base directory lets a second checkout of the same sources hit the same cache; the depend mode saves
  # preprocessing twice what is not in it yet.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_DEPEND=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${RONDO_CCACHE})
endif()

find_program(RONDO_LLD ld.lld)
if(RONDO_LLD)
  add_link_options(-fuse-ld=lld)
endif()

add_library(rondo_warnings INTERFACE)
target_compile_options(
  rondo_warnings INTERFACE -Wall -Wextra -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
                           -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # A false alarm of g++ 12 on the frames of inlined coroutines.
  target_compile_options(rondo_warnings INTERFACE -Wno-mismatched-new-delete)
endif()

if(RONDO_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(RONDO_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(RONDO_SANITIZE STREQUAL "fuzz")
  # What libFuzzer steers by, and the sanitizers that tell it of a fault. The driver itself is linked by tests/fuzz.
  set(fuzz_flags -fsanitize=address,undefined,fuzzer-no-link)
  add_compile_options(${fuzz_flags} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(${fuzz_flags})
elseif(RONDO_SANITIZE)
  message(FATAL_ERROR "RONDO_SANITIZE is '${RONDO_SANITIZE}': use address, thread, fuzz or leave it empty")
endif()
