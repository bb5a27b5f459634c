// openat2(2): paths that come from outside are only ever opened below a descriptor.
#pragma once
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tbuild {

constexpr uint64_t resolve_beneath = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

// A descriptor (close-on-exec), or -1 with errno. EAGAIN means a rename nearby raced with the walk, so it is tried
// again.
inline int open_beneath(int root, const char* path, uint64_t flags, uint64_t mode = 0,
                        uint64_t resolve = resolve_beneath) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.mode = mode;
  how.resolve = resolve;
  for (int attempt = 0;; attempt++) {
    long fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN) || attempt == 1000)
      return static_cast<int>(fd);
  }
}

} // namespace tbuild
