// One tvmffi-symbolizer: started for a client, killed when its time is over.
#ifndef TVMFFI_HOSTD_SUPERVISOR_SYMBOLIZER_PROCESS_H_
#define TVMFFI_HOSTD_SUPERVISOR_SYMBOLIZER_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "hostd/loop/child_watch.h"
#include "hostd/loop/timer.h"
#include "proto/base/unique_fd.h"

namespace tvmffi::hostd {

// The daemon neither reads what it says nor waits for it. Destruction kills it and leaves the
// reaping to the daemon's own end.
class SymbolizerProcess {
 public:
  static constexpr uint64_t kMaxMs = 3000;

  // Called once, from the loop, after it was reaped.
  using OnExit = std::function<void(SymbolizerProcess*)>;

  static Result<std::unique_ptr<SymbolizerProcess>> Start(EventLoop* loop,
                                                          const std::string& program,
                                                          OnExit on_exit);
  SymbolizerProcess(const SymbolizerProcess&) = delete;
  SymbolizerProcess& operator=(const SymbolizerProcess&) = delete;
  ~SymbolizerProcess();

  // The client's end of its connection. To be asked once.
  UniqueFd TakeConnection() { return std::move(connection_); }
  pid_t pid() const { return pid_; }

 private:
  SymbolizerProcess(EventLoop* loop, OnExit on_exit);
  Status Spawn(EventLoop* loop, const std::string& program);
  void Kill();
  void OnChildExit();

  OnExit on_exit_;
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  UniqueFd connection_;
  std::unique_ptr<ChildWatch> watch_;
  Timer timer_;
};

}  // namespace tvmffi::hostd

#endif  // TVMFFI_HOSTD_SUPERVISOR_SYMBOLIZER_PROCESS_H_
