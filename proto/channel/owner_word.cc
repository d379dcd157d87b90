#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proto/channel/wakeup.h"

namespace tvmffi {
namespace {

// What the kernel walks when the thread exits: a list of one node, whose word lies `futex_offset`
// bytes away. Both are private to the process and, being the thread's own, there until the kernel
// is done with them.
struct OneWordList {
  robust_list_head head;
  robust_list node;
};

}  // namespace

// Every other sign of a process's death (pidfd, socket, wait status) appears only after the kernel
// freed its memory, 20 ms per GiB. The robust list is processed before that. It exists for mutexes:
// a listed word that holds the dying thread's id gets FUTEX_OWNER_DIED, and with FUTEX_WAITERS its
// sleepers are woken. Nobody ever locks this one. A list belongs to a thread, not to a process, so
// it is the thread that serves the lane which must hold it.
bool HoldOwnerWord(std::atomic<uint32_t>* word) {
  static thread_local OneWordList list;
  list.node.next = &list.head.list;
  list.head.list.next = &list.node;
  list.head.futex_offset =
      static_cast<long>(reinterpret_cast<intptr_t>(word) - reinterpret_cast<intptr_t>(&list.node));
  list.head.list_op_pending = nullptr;
  const uint32_t thread = static_cast<uint32_t>(::syscall(SYS_gettid));
  word->store(thread | FUTEX_WAITERS, std::memory_order_seq_cst);
  return ::syscall(SYS_set_robust_list, &list.head, sizeof(list.head)) == 0;
}

}  // namespace tvmffi
