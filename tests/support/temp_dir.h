// A folder of mode 0700 that goes with its contents.
#ifndef TVMFFI_TESTS_SUPPORT_TEMP_DIR_H_
#define TVMFFI_TESTS_SUPPORT_TEMP_DIR_H_

#include <cstdlib>
#include <filesystem>
#include <string>

namespace tvmffi::testing {

class TempDir {
 public:
  TempDir() {
    char path[] = "/tmp/tvmffi-test-XXXXXX";
    if (::mkdtemp(path) == nullptr) std::abort();
    path_ = path;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace tvmffi::testing

#endif  // TVMFFI_TESTS_SUPPORT_TEMP_DIR_H_
