# What a project that builds a module against this package calls after find_package(tvm_ffi).

# tvm_ffi_configure_target(<target>
#   [LINK_SHARED ON|OFF]   link libtvm_ffi.so
#   [LINK_HEADER ON|OFF]   add the include path
#   [DEBUG_SYMBOL ON|OFF]  name sources in debug information and macros by their path below the project
#   [MSVC_FLAGS ON|OFF]    flags of Microsoft's compiler; of no effect elsewhere
#   [STUB_DIR <folder>]    run tvm-ffi-stubgen over the folder after each build
#   [STUB_INIT ON|OFF]     let it create the package's files as well
#   [STUB_PKG <package>] [STUB_PREFIX <prefix>])   for STUB_INIT; the project's or target's name, and `<package>.`
# The first four are ON unless given, STUB_INIT is OFF.
function(tvm_ffi_configure_target target)
  set(switches LINK_SHARED LINK_HEADER DEBUG_SYMBOL MSVC_FLAGS STUB_INIT)
  set(LINK_SHARED ON)
  set(LINK_HEADER ON)
  set(DEBUG_SYMBOL ON)
  set(MSVC_FLAGS ON)
  set(STUB_INIT OFF)
  cmake_parse_arguments(given "" "${switches};STUB_DIR;STUB_PKG;STUB_PREFIX" "" ${ARGN})
  if(given_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tvm_ffi_configure_target(${target}): unknown arguments ${given_UNPARSED_ARGUMENTS}")
  endif()
  foreach(switch IN LISTS switches)
    if(DEFINED given_${switch})
      set(${switch} ${given_${switch}})
    endif()
  endforeach()

  if(LINK_HEADER)
    target_link_libraries(${target} PRIVATE tvm_ffi::header)
  endif()
  if(LINK_SHARED)
    target_link_libraries(${target} PRIVATE tvm_ffi::shared)
  endif()
  if(DEBUG_SYMBOL AND CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:C,CXX>:-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=>")
  endif()
  _tvm_ffi_add_stubs(${target} "${given_STUB_DIR}" ${STUB_INIT} "${given_STUB_PKG}" "${given_STUB_PREFIX}")
endfunction()

function(_tvm_ffi_add_stubs target folder init package prefix)
  if(NOT folder)
    if(init)
      message(FATAL_ERROR "tvm_ffi_configure_target(${target}): STUB_INIT needs STUB_DIR")
    elseif(package OR prefix)
      message(FATAL_ERROR "tvm_ffi_configure_target(${target}): STUB_PKG and STUB_PREFIX need STUB_DIR and STUB_INIT ON")
    endif()
    return()
  endif()
  set(options --dlls $<TARGET_FILE:${target}>)
  if(init)
    if(NOT package)
      set(package ${target})
      if(SKBUILD_PROJECT_NAME)
        set(package ${SKBUILD_PROJECT_NAME})
      endif()
    endif()
    if(NOT prefix)
      set(prefix ${package}.)
    endif()
    list(APPEND options --init-pypkg ${package} --init-lib ${target} --init-prefix ${prefix})
  elseif(package OR prefix)
    message(FATAL_ERROR "tvm_ffi_configure_target(${target}): STUB_PKG and STUB_PREFIX need STUB_INIT ON")
  endif()
  if(NOT Python_EXECUTABLE)
    find_package(Python COMPONENTS Interpreter REQUIRED)
  endif()
  get_filename_component(folder ${folder} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND ${Python_EXECUTABLE} -m tvm_ffi.stub.cli ${folder} ${options}
    COMMENT "tvm-ffi-stubgen ${folder}" VERBATIM)
endfunction()

# tvm_ffi_install(<target> [DESTINATION <folder>]): installs the debug symbols that some systems keep beside a library. Linux
# keeps them inside, so there is nothing to install; the library itself is install(TARGETS)'s.
function(tvm_ffi_install target)
  cmake_parse_arguments(given "" "DESTINATION" "" ${ARGN})
  if(NOT TARGET ${target})
    message(FATAL_ERROR "tvm_ffi_install(${target}): there is no such target")
  endif()
endfunction()
