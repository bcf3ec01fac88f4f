# The one place where targets are made.
#
#   rondo_library(NAME SOURCES ... [DEPS ...] [TORCH] [COLD])   static library rondo_NAME
#   rondo_program(NAME SOURCES ... [DEPS ...] [TORCH])          executable NAME in bin/
#   rondo_test(NAME SOURCES ... [DEPS ...] [TORCH])             GoogleTest binary NAME, tests registered with ctest
#
# DEPS name Rondo libraries without their prefix, or imported targets with "::". COLD marks code that waits for others
# most of the time: it is optimised lightly, as programs and tests are, which halves its compile time.

# LibTorch files compile one at a time, so that the other core keeps working on small files.
set_property(GLOBAL PROPERTY JOB_POOLS torch_compile=1)

# One precompiled header serves every LibTorch target.
if(RONDO_TORCH)
  add_library(rondo_torch_pch OBJECT ${CMAKE_CURRENT_LIST_DIR}/torch_pch.cc)
  target_link_libraries(rondo_torch_pch PRIVATE rondo_torch rondo_warnings)
  target_include_directories(rondo_torch_pch PRIVATE ${CMAKE_SOURCE_DIR})
  target_precompile_headers(rondo_torch_pch PRIVATE <torch/torch.h> <memory> <span> <string> <vector>)
endif()

function(_rondo_configure target)
  cmake_parse_arguments(ARG "TORCH;COLD" "" "SOURCES;DEPS" ${ARGN})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${target} PRIVATE rondo_warnings)
  foreach(dep IN LISTS ARG_DEPS)
    if(dep MATCHES "::" OR NOT TARGET rondo_${dep})
      target_link_libraries(${target} PUBLIC ${dep})
    else()
      target_link_libraries(${target} PUBLIC rondo_${dep})
    endif()
  endforeach()
  if(ARG_COLD)
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-Og>)
  endif()
  if(ARG_TORCH)
    target_link_libraries(${target} PRIVATE rondo_torch)
    target_precompile_headers(${target} REUSE_FROM rondo_torch_pch)
    set_target_properties(${target} PROPERTIES JOB_POOL_COMPILE torch_compile)
  endif()
endfunction()

function(rondo_library name)
  cmake_parse_arguments(ARG "TORCH;COLD" "" "SOURCES;DEPS" ${ARGN})
  add_library(rondo_${name} STATIC ${ARG_SOURCES})
  _rondo_configure(rondo_${name} ${ARGN})
endfunction()

# Everything that people run, without the tests.
add_custom_target(programs)

function(rondo_program name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  _rondo_configure(${name} COLD ${ARGN})
  add_dependencies(programs ${name})
endfunction()

function(rondo_test name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  _rondo_configure(${name} COLD ${ARGN})
  target_link_libraries(${name} PRIVATE rondo_test_support GTest::gmock GTest::gtest GTest::gtest_main)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)
endfunction()
if(RONDO_BUILD_TESTS)
  include(GoogleTest)
endif()
