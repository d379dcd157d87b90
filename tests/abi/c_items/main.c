/* usage: abi_c_items [--list | NAME...]: runs the items named, or all; exit status 1 if one failed.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "c_items.h"

static const CItem* const kGroups[] = {
    kObjectItems, kErrorItems,     kFunctionItems, kValueItems,       kDTypeItems,
    kTypeItems,   kContainerItems, kTensorItems,   kEnvironmentItems, kModuleItems,
};

static const char* current_item = "";
static int failures = 0;

void ReportFailure(const char* file, int line, const char* text) {
  fprintf(stderr, "FAILED %s\n  %s:%d: %s\n", current_item, file, line, text);
  ++failures;
}

void CheckRaised(const char* file, int line, const char* kind, const char* text) {
  TVMFFIObjectHandle error = NULL;
  TVMFFIErrorMoveFromRaised(&error);
  if (error == NULL) {
    ReportFailure(file, line, "no error is raised");
    return;
  }
  const TVMFFIErrorCell* cell = Body(error);
  char message[1024];
  snprintf(message, sizeof(message), "%.*s", (int)cell->message.size, cell->message.data);
  if (!SameText(cell->kind, kind) || strstr(message, text) == NULL) {
    char report[1536];
    snprintf(report, sizeof(report), "expected %s: %s, raised %.*s: %s", kind, text,
             (int)cell->kind.size, cell->kind.data, message);
    ReportFailure(file, line, report);
  }
  TVMFFIObjectDecRef(error);
}

bool TakeRaised(void) {
  TVMFFIObjectHandle error = NULL;
  TVMFFIErrorMoveFromRaised(&error);
  TVMFFIObjectDecRef(error);
  return error != NULL;
}

void Release(TVMFFIAny* value) {
  if (value->type_index >= kTVMFFIStaticObjectBegin) {
    TVMFFIObjectDecRef(value->v_obj);
  }
  *value = None();
}

TVMFFIByteArray ContentOf(const TVMFFIAny* value) {
  if (value->type_index == kTVMFFISmallStr || value->type_index == kTVMFFISmallBytes) {
    TVMFFIByteArray bytes = {value->v_bytes, value->small_str_len};
    return bytes;
  }
  return *(const TVMFFIByteArray*)Body(value->v_obj);
}

TVMFFIObjectHandle GetGlobal(const char* name) {
  const TVMFFIByteArray key = Bytes(name);
  TVMFFIObjectHandle function = NULL;
  if (TVMFFIFunctionGetGlobal(&key, &function) != 0 || function == NULL) {
    fprintf(stderr, "FAILED %s: there is no global function %s\n", current_item, name);
    exit(1);
  }
  return function;
}

int CallGlobal(const char* name, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  const TVMFFIObjectHandle function = GetGlobal(name);
  const int code = TVMFFIFunctionCall(function, (TVMFFIAny*)args, num_args, result);
  TVMFFIObjectDecRef(function);
  return code;
}

TVMFFIAny CallOk(const char* name, const TVMFFIAny* args, int32_t num_args) {
  TVMFFIAny result = None();
  if (CallGlobal(name, args, num_args, &result) != 0) {
    ReportFailure(__FILE__, __LINE__, name);
    CHECK(TakeRaised());
  }
  return result;
}

int ReturnNothing(void* self, const TVMFFIAny* args, int32_t num_args, TVMFFIAny* result) {
  (void)self, (void)args, (void)num_args, (void)result;
  return 0;
}

TVMFFIObjectHandle MakeOpaque(void* handle, void (*deleter)(void* handle)) {
  TVMFFIObjectHandle object = NULL;
  CHECK(TVMFFIObjectCreateOpaque(handle, kTVMFFIOpaquePyObject, deleter, &object) == 0);
  return object;
}

typedef struct {
  void (*run)(void*);
  void* argument;
} ThreadCall;

static void* ThreadMain(void* call) {
  ((ThreadCall*)call)->run(((ThreadCall*)call)->argument);
  return NULL;
}

void RunOnThread(void (*run)(void*), void* argument) {
  ThreadCall call = {run, argument};
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, ThreadMain, &call) == 0);
  CHECK(pthread_join(thread, NULL) == 0);
}

static bool IsWanted(const char* name, int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], name) == 0) {
      return true;
    }
  }
  return argc == 1;
}

int main(int argc, char** argv) {
  const bool only_list = argc == 2 && strcmp(argv[1], "--list") == 0;
  int count = 0;
  for (size_t group = 0; group < sizeof(kGroups) / sizeof(kGroups[0]); ++group) {
    for (const CItem* item = kGroups[group]; item->name != NULL; ++item) {
      if (only_list) {
        printf("%s\n", item->name);
      } else if (IsWanted(item->name, argc, argv)) {
        current_item = item->name;
        const int before = failures;
        item->run();
        printf("%s %s\n", failures == before ? "ok    " : "FAILED", item->name);
        ++count;
      }
    }
  }
  if (only_list) {
    return 0;
  }
  printf("%d items, %d failed checks\n", count, failures);
  return failures != 0 || count == 0;
}
