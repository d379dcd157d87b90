# Link PRIVATE: the project's warning set, errors with TVMFFI_WERROR. Never exported to consumers.
add_library(tvmffi_warnings INTERFACE)
target_compile_options(tvmffi_warnings INTERFACE
  $<$<COMPILE_LANGUAGE:C,CXX>:-Wall -Wextra -Wpedantic>
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual>)
if(TVMFFI_WERROR)
  target_compile_options(tvmffi_warnings INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Werror>)
endif()
if(TVMFFI_SANITIZER AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # The sanitizers' own checks hide from gcc which member of a union or an optional was set.
  target_compile_options(tvmffi_warnings INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-Wno-maybe-uninitialized>)
endif()
