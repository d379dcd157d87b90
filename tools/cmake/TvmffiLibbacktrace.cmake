# Caches TVMFFI_LIBBACKTRACE_LIBRARY and TVMFFI_LIBBACKTRACE_HEADER: GCC's own static libbacktrace, or nothing
# with a message when the toolchain has none that links into a shared library.
option(TVMFFI_USE_LIBBACKTRACE "Name the frames of backtraces with GCC's libbacktrace where the toolchain has it" ON)

function(tvmffi_find_libbacktrace)
  set(TVMFFI_LIBBACKTRACE_LIBRARY "" CACHE INTERNAL "")
  set(TVMFFI_LIBBACKTRACE_HEADER "" CACHE INTERNAL "")
  if(NOT TVMFFI_USE_LIBBACKTRACE)
    message(STATUS "libbacktrace: not wanted, backtraces will show the throw site only")
    return()
  endif()
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libbacktrace.a
    OUTPUT_VARIABLE library OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  get_filename_component(library "${library}" ABSOLUTE BASE_DIR /)
  get_filename_component(folder "${library}" DIRECTORY)
  set(header "${folder}/include/backtrace.h")
  if(NOT EXISTS "${library}" OR NOT EXISTS "${header}")
    message(STATUS "libbacktrace: not found, backtraces will show the throw site only")
    return()
  endif()
  set(source "${PROJECT_BINARY_DIR}/CMakeFiles/libbacktrace_probe.cc")
  file(WRITE ${source} "#include \"${header}\"\nvoid* Probe() { return backtrace_create_state(nullptr, 0, nullptr, nullptr); }\n")
  set(CMAKE_TRY_COMPILE_TARGET_TYPE EXECUTABLE)
  try_compile(links ${PROJECT_BINARY_DIR}/CMakeFiles/libbacktrace_probe ${source}
    LINK_OPTIONS -shared -fPIC -Wl,-z,text LINK_LIBRARIES ${library}
    CMAKE_FLAGS -DCMAKE_POSITION_INDEPENDENT_CODE=ON)
  if(NOT links)
    message(STATUS "libbacktrace: ${library} does not link into a shared library, backtraces will show the throw site only")
    return()
  endif()
  message(STATUS "libbacktrace: ${library}")
  set(TVMFFI_LIBBACKTRACE_LIBRARY "${library}" CACHE INTERNAL "")
  set(TVMFFI_LIBBACKTRACE_HEADER "${header}" CACHE INTERNAL "")
endfunction()
