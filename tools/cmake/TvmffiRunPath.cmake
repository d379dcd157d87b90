# Where an installed program finds the libraries, and a library the programs: beside each other in the prefix, whatever the folders
# are called; and in the wheel, where they are always lib and bin.
function(tvmffi_relative_folders result from to)
  file(RELATIVE_PATH relative ${from} ${to})
  set(folders ${relative} ${ARGN})
  list(REMOVE_DUPLICATES folders)
  set(${result} ${folders} PARENT_SCOPE)
endfunction()

# For INSTALL_RPATH of a program in the folder for programs.
function(tvmffi_library_run_path result)
  tvmffi_relative_folders(folders ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR} ../lib)
  list(TRANSFORM folders PREPEND "$ORIGIN/")
  set(${result} ${folders} PARENT_SCOPE)
endfunction()
