# tvmffi_add_schema(<name> <file.fbs>): an interface target with the generated C++ header, which is included by the
# schema's own path: proto/schema/host.fbs -> "proto/schema/host_generated.h".
function(tvmffi_add_schema name schema)
  find_program(FLATC_PROGRAM flatc REQUIRED)
  find_path(FLATBUFFERS_INCLUDE_DIR flatbuffers/flatbuffers.h REQUIRED)
  cmake_path(ABSOLUTE_PATH schema OUTPUT_VARIABLE source)
  cmake_path(GET schema STEM stem)
  cmake_path(GET source PARENT_PATH folder)
  cmake_path(RELATIVE_PATH folder BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE folder)
  set(root ${PROJECT_BINARY_DIR}/generated)
  set(header ${root}/${folder}/${stem}_generated.h)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${FLATC_PROGRAM} --cpp --scoped-enums -o ${root}/${folder} ${source}
    DEPENDS ${source}
    COMMENT "Generating ${folder}/${stem}_generated.h")
  add_custom_target(${name}_generate DEPENDS ${header})
  add_library(${name} INTERFACE)
  add_dependencies(${name} ${name}_generate)
  target_include_directories(${name} SYSTEM INTERFACE ${root} ${FLATBUFFERS_INCLUDE_DIR})
endfunction()
