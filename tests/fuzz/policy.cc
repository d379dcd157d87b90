// Any text as a policy. What is accepted survives being written and read again.
#include "proto/policy/policy.h"

#include <cstdint>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  tvmffi::Result<tvmffi::Policy> policy = tvmffi::ParsePolicy(text, "policy.toml");
  if (!policy.ok()) {
    if (policy.status().message.rfind("policy.toml:", 0) != 0) std::abort();
    return 0;
  }
  const std::string written = tvmffi::PolicyText(*policy);
  tvmffi::Result<tvmffi::Policy> again = tvmffi::ParsePolicy(written, "again");
  if (!again.ok() || tvmffi::PolicyText(*again) != written) std::abort();
  return 0;
}
