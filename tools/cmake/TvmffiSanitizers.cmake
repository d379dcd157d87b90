# Sanitizers are a property of the whole build tree: a mixed one reports nonsense.
if(TVMFFI_SANITIZER STREQUAL "asan")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(TVMFFI_SANITIZER STREQUAL "tsan")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(NOT TVMFFI_SANITIZER STREQUAL "")
  message(FATAL_ERROR "TVMFFI_SANITIZER is '${TVMFFI_SANITIZER}', expected asan, tsan or nothing")
endif()

# A fuzzer that does not see which branches the code under test takes only guesses.
if(TVMFFI_BUILD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
