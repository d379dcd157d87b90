// Dies while it is being loaded.
namespace {

char* volatile null_pointer = nullptr;

__attribute__((constructor)) void Crash() { *null_pointer = 1; }

}  // namespace
