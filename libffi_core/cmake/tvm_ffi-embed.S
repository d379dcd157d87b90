/* A file's bytes between two symbols that do not leave the library they are linked into. Aligned: drivers read the image as
   they do an ELF file. */
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define END PASTE(TVM_FFI_EMBED_SYMBOL, _end)

  .section .rodata
  .balign 16
  .globl TVM_FFI_EMBED_SYMBOL
  .hidden TVM_FFI_EMBED_SYMBOL
TVM_FFI_EMBED_SYMBOL:
  .incbin TVM_FFI_EMBED_FILE
  .globl END
  .hidden END
END:
  .section .note.GNU-stack, "", %progbits
