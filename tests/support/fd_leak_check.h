// Fails the test that leaves more descriptors open than it found.
#ifndef TVMFFI_TESTS_SUPPORT_FD_LEAK_CHECK_H_
#define TVMFFI_TESTS_SUPPORT_FD_LEAK_CHECK_H_

#include <dirent.h>
#include <gtest/gtest.h>

namespace tvmffi::testing {

inline size_t CountOwnFds() {
  DIR* folder = ::opendir("/proc/self/fd");
  size_t count = 0;
  while (dirent* entry = ::readdir(folder)) count += entry->d_name[0] != '.';
  ::closedir(folder);
  return count - 1;  // the folder itself
}

// To be the first member of a fixture: what is declared after it is closed before it counts.
class FdLeakCheck {
 public:
  FdLeakCheck() : before_(CountOwnFds()) {}
  FdLeakCheck(const FdLeakCheck&) = delete;
  FdLeakCheck& operator=(const FdLeakCheck&) = delete;
  ~FdLeakCheck() { EXPECT_EQ(CountOwnFds(), before_) << "descriptors leaked"; }

 private:
  size_t before_;
};

}  // namespace tvmffi::testing

#endif  // TVMFFI_TESTS_SUPPORT_FD_LEAK_CHECK_H_
