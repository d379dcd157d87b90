/* NVRTC as far as nvrtc_compile uses it: the device code is the options and the text; text with
 * `wrong` does not compile. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  char text[256];
  char code[512];
} Program;

int live_programs(void);
static int live = 0;
int live_programs(void) { return live; }

const char* nvrtcGetErrorString(int status);
const char* nvrtcGetErrorString(int status) {
  return status == 6 ? "NVRTC_ERROR_COMPILATION" : "another error";
}

int nvrtcCreateProgram(Program** out, const char* text, const char* name, int num_headers,
                       const char** headers, const char** include_names);
int nvrtcCreateProgram(Program** out, const char* text, const char* name, int num_headers,
                       const char** headers, const char** include_names) {
  if (num_headers != 0 || headers != NULL || include_names != NULL) return 3;
  *out = calloc(1, sizeof(Program));
  snprintf((*out)->text, sizeof((*out)->text), "%s:%s", name, text);
  ++live;
  return 0;
}

int nvrtcDestroyProgram(Program** program);
int nvrtcDestroyProgram(Program** program) {
  free(*program);
  *program = NULL;
  --live;
  return 0;
}

int nvrtcCompileProgram(Program* program, int num_options, const char** options);
int nvrtcCompileProgram(Program* program, int num_options, const char** options) {
  if (strstr(program->text, "wrong") != NULL) return 6;
  for (int i = 0; i < num_options; ++i) {
    strncat(program->code, options[i], 100);
    strcat(program->code, " ");
  }
  strncat(program->code, program->text, 200);
  return 0;
}

int nvrtcGetProgramLogSize(Program* program, size_t* size);
int nvrtcGetProgramLogSize(Program* program, size_t* size) {
  *size = strlen(program->text) + sizeof("(1): error: ");
  return 0;
}

int nvrtcGetProgramLog(Program* program, char* log);
int nvrtcGetProgramLog(Program* program, char* log) {
  strcat(strcpy(log, "(1): error: "), program->text);
  return 0;
}

int nvrtcGetCUBINSize(Program* program, size_t* size);
int nvrtcGetCUBINSize(Program* program, size_t* size) {
  *size = strlen(program->code);
  return 0;
}

int nvrtcGetCUBIN(Program* program, char* code);
int nvrtcGetCUBIN(Program* program, char* code) {
  memcpy(code, program->code, strlen(program->code));
  return 0;
}
