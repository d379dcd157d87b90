# Programs and libraries find each other in whatever folders they are installed: cmake -DSOURCE=... -P run_path.cmake.
include(${SOURCE}/tools/cmake/TvmffiRunPath.cmake)

function(expect what found expected)
  if(NOT found STREQUAL expected)
    message(FATAL_ERROR "${what}: '${found}', expected '${expected}'")
  endif()
endfunction()

foreach(libraries_and_path IN ITEMS "lib|$ORIGIN/../lib" "lib64|$ORIGIN/../lib64,$ORIGIN/../lib"
    "lib/x86_64-linux-gnu|$ORIGIN/../lib/x86_64-linux-gnu,$ORIGIN/../lib")
  string(REGEX REPLACE "[|].*" "" libraries ${libraries_and_path})
  string(REGEX REPLACE ".*[|]" "" expected ${libraries_and_path})
  string(REPLACE "," ";" expected "${expected}")
  set(CMAKE_INSTALL_FULL_BINDIR /usr/bin)
  set(CMAKE_INSTALL_FULL_LIBDIR /usr/${libraries})
  tvmffi_library_run_path(path)
  expect("the run path of a program with libraries in ${libraries}" "${path}" "${expected}")
endforeach()

tvmffi_relative_folders(folders /usr/lib/x86_64-linux-gnu /usr/bin ../bin bin)
expect("where a library looks for programs" "${folders}" "../../bin;../bin;bin")

# No program has a run path of its own.
file(GLOB_RECURSE lists ${SOURCE}/hostd/CMakeLists.txt ${SOURCE}/tools/CMakeLists.txt)
foreach(list IN LISTS lists)
  file(READ ${list} text)
  string(FIND "${text}" "INSTALL_RPATH \"$ORIGIN" found)
  if(NOT found EQUAL -1)
    message(FATAL_ERROR "${list} has a fixed INSTALL_RPATH")
  endif()
endforeach()
