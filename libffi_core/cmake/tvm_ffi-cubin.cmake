# Device code in a library: what TVM_FFI_EMBED_CUBIN(<symbol>) of tvm/ffi/extra/cuda/cubin_launcher.h refers to.
#
#   add_tvm_ffi_cubin(kernels CUDA kernels.cu)
#   add_library(my_library SHARED my_library.cc)                 # has TVM_FFI_EMBED_CUBIN(my_kernels)
#   tvm_ffi_embed_bin_into(my_library SYMBOL my_kernels BIN "$<TARGET_OBJECTS:kernels>")

# add_tvm_ffi_cubin(<target> CUDA <source>...): an object library whose objects are cubins. CUDA_ARCHITECTURES, as it is when
# this is called, must name one architecture: a cubin holds no more.
function(add_tvm_ffi_cubin target)
  _tvm_ffi_add_device_code(add_tvm_ffi_cubin ${target} cubin ${ARGN})
  get_target_property(architectures ${target} CUDA_ARCHITECTURES)
  list(LENGTH architectures count)
  if(count GREATER 1)
    message(FATAL_ERROR "add_tvm_ffi_cubin(${target}): a cubin holds code for one architecture, CUDA_ARCHITECTURES names "
      "${architectures}; use add_tvm_ffi_fatbin")
  endif()
  # A bare number asks for PTX too, which has no place in a cubin.
  string(REGEX REPLACE "^([0-9]+[a-z]?)$" "\\1-real" architectures "${architectures}")
  set_target_properties(${target} PROPERTIES CUDA_ARCHITECTURES "${architectures}")
endfunction()

# add_tvm_ffi_fatbin(<target> CUDA <source>...): the same with fatbins, which hold code for every architecture that
# CUDA_ARCHITECTURES names.
function(add_tvm_ffi_fatbin target)
  _tvm_ffi_add_device_code(add_tvm_ffi_fatbin ${target} fatbin ${ARGN})
endfunction()

function(_tvm_ffi_add_device_code caller target form)
  cmake_parse_arguments(given "" "" "CUDA" ${ARGN})
  if(given_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "${caller}(${target}): unknown arguments ${given_UNPARSED_ARGUMENTS}")
  elseif(NOT given_CUDA)
    message(FATAL_ERROR "${caller}(${target}): no source is given; CUDA <source>... names them")
  elseif(NOT CMAKE_CUDA_COMPILER)
    message(FATAL_ERROR "${caller}(${target}): the project's languages lack CUDA")
  endif()
  add_library(${target} OBJECT ${given_CUDA})
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:--${form}>)
endfunction()

# tvm_ffi_embed_bin_into(<target> SYMBOL <symbol> BIN <file>): adds the bytes of a cubin, a fatbin or any other file to a target of
# this folder, under a name that only the library or program it becomes part of can see. May be called again with another
# symbol. A relative file is one of the build folder.
function(tvm_ffi_embed_bin_into target)
  cmake_parse_arguments(given "" "SYMBOL;BIN" "" ${ARGN})
  if(given_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "tvm_ffi_embed_bin_into(${target}): unknown arguments ${given_UNPARSED_ARGUMENTS}")
  elseif(NOT given_SYMBOL MATCHES "^[A-Za-z_][A-Za-z0-9_]*$")
    message(FATAL_ERROR "tvm_ffi_embed_bin_into(${target}): SYMBOL must be a C identifier, not '${given_SYMBOL}'")
  elseif(NOT given_BIN)
    message(FATAL_ERROR "tvm_ffi_embed_bin_into(${target}): BIN <file> is missing")
  elseif(NOT TARGET ${target})
    message(FATAL_ERROR "tvm_ffi_embed_bin_into(${target}): there is no such target")
  endif()
  set(file "${given_BIN}")
  if(NOT file MATCHES "^\\$<")
    get_filename_component(file "${file}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_BINARY_DIR}")
  endif()
  set(compiler "${CMAKE_CXX_COMPILER}")
  if(NOT compiler)
    set(compiler "${CMAKE_C_COMPILER}")
  endif()
  set(source "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/tvm_ffi-embed.S")
  set(object "${CMAKE_CURRENT_BINARY_DIR}/${target}_${given_SYMBOL}.embedded.o")
  add_custom_command(OUTPUT "${object}"
    COMMAND ${compiler} -x assembler-with-cpp -c "${source}" -o "${object}"
      -DTVM_FFI_EMBED_SYMBOL=__tvm_ffi__cubin_${given_SYMBOL} "-DTVM_FFI_EMBED_FILE=\"${file}\""
    DEPENDS "${file}" "${source}"
    COMMENT "Embedding ${given_SYMBOL} into ${target}" VERBATIM)
  set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  target_sources(${target} PRIVATE "${object}")
endfunction()
