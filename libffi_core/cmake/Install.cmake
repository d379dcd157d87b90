# Library, CMake package and pkg-config file; the headers install themselves. Their version is the one of the calling convention.
# All of it is the component `tvm_ffi`: `cmake --install <build> --component tvm_ffi` needs nothing else built. The prefix may
# move afterwards.
include(CMakePackageConfigHelpers)

file(STRINGS ${PROJECT_SOURCE_DIR}/abi/include/tvm/ffi/c_api.h version_lines REGEX "define TVM_FFI_VERSION_")
string(REGEX REPLACE "[^0-9;]+" "" version_parts "${version_lines}")
list(JOIN version_parts "." TVM_FFI_VERSION)

# The Python wheel keeps its CMake package elsewhere.
set(TVMFFI_INSTALL_CMAKEDIR ${CMAKE_INSTALL_LIBDIR}/cmake/tvm_ffi CACHE STRING "Where tvm_ffi-config.cmake is installed")
set(package_dir ${TVMFFI_INSTALL_CMAKEDIR})
set_target_properties(tvm_ffi_header PROPERTIES EXPORT_NAME header)
install(TARGETS tvm_ffi_shared EXPORT tvm_ffi-targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT tvm_ffi)
if(TARGET tvm_ffi_testing)
  install(TARGETS tvm_ffi_testing LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT tvm_ffi_testing)
endif()
install(EXPORT tvm_ffi-targets NAMESPACE tvm_ffi:: DESTINATION ${package_dir} COMPONENT tvm_ffi)
# For the staged Python package, whose CMake package is this build folder.
export(EXPORT tvm_ffi-targets NAMESPACE tvm_ffi:: FILE ${CMAKE_CURRENT_BINARY_DIR}/tvm_ffi-targets.cmake)

configure_package_config_file(cmake/tvm_ffi-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/tvm_ffi-config.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/tvm_ffi-config-version.cmake
  VERSION ${TVM_FFI_VERSION} COMPATIBILITY SameMinorVersion)
set(package_files tvm_ffi-functions.cmake tvm_ffi-cubin.cmake tvm_ffi-embed.S)
foreach(package_file IN LISTS package_files)
  configure_file(cmake/${package_file} ${CMAKE_CURRENT_BINARY_DIR}/${package_file} COPYONLY)
endforeach()
list(TRANSFORM package_files PREPEND cmake/)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tvm_ffi-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/tvm_ffi-config-version.cmake
    ${package_files}
  DESTINATION ${package_dir} COMPONENT tvm_ffi)

file(RELATIVE_PATH TVM_FFI_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/tvm_ffi.pc.in ${CMAKE_CURRENT_BINARY_DIR}/tvm_ffi.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tvm_ffi.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT tvm_ffi)
