# tvmffi_add_tests(<name> SOURCES a_test.cc ... [LABELS unit ...] [LIBS target ...] [ENVIRONMENT A=1 ...])
# One GoogleTest program `<name>_tests`; each of its cases becomes a ctest case with the given labels.
function(tvmffi_add_tests name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LABELS;LIBS;ENVIRONMENT" ${ARGN})
  if(NOT TVMFFI_BUILD_TESTS)
    return()
  endif()
  find_package(GTest REQUIRED)
  include(GoogleTest)
  add_executable(${name}_tests ${ARG_SOURCES})
  target_link_libraries(${name}_tests PRIVATE ${ARG_LIBS} tvmffi_warnings GTest::gtest_main)
  gtest_discover_tests(${name}_tests
    TEST_PREFIX "${name}/"
    DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 120 ENVIRONMENT "${ARG_ENVIRONMENT}")
endfunction()

# tvmffi_add_fuzz_target(<name> SOURCES ... LIBS ...): a libFuzzer program; its seeds live in tests/fuzz/corpus/<name>.
# The target fuzz_targets builds them all; tools/fuzz.sh runs them.
function(tvmffi_add_fuzz_target name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  if(NOT TVMFFI_BUILD_FUZZ)
    return()
  endif()
  add_executable(fuzz_${name} ${ARG_SOURCES})
  target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(fuzz_${name} PRIVATE ${ARG_LIBS} tvmffi_warnings)
  if(NOT TARGET fuzz_targets)
    add_custom_target(fuzz_targets)
  endif()
  add_dependencies(fuzz_targets fuzz_${name})
endfunction()
