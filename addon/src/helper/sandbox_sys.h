// Mount and process system calls that older C libraries do not wrap. Their numbers are the same on every architecture.
#pragma once
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tbuild::sys {

constexpr unsigned open_tree_clone = 1, open_tree_cloexec = O_CLOEXEC;
constexpr unsigned move_from_empty = 0x4, move_to_empty = 0x40;
constexpr unsigned at_empty_path = 0x1000, at_recursive = 0x8000, at_symlink_nofollow = 0x100;
constexpr uint64_t attr_rdonly = 0x1, attr_nosuid = 0x2, attr_nodev = 0x4, attr_noexec = 0x8, attr_noatime = 0x10,
                   attr_atime_mask = 0x70, attr_idmap = 0x100000;
constexpr unsigned fsconfig_set_flag = 0, fsconfig_set_string = 1, fsconfig_create = 6;
constexpr uint64_t resolve_no_xdev = 0x01, resolve_no_magiclinks = 0x02, resolve_in_root = 0x10;

struct OpenHow {
  uint64_t flags, mode, resolve;
};

struct MountAttr {
  uint64_t attr_set, attr_clr, propagation, userns_fd;
};

struct CloneArgs {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

// EAGAIN: a rename or a mount somewhere on the machine raced with a walk through "..", so it is tried again.
inline int openat2(int dir, const char* path, OpenHow how) {
  for (int attempt = 0;; attempt++) {
    long fd = syscall(437, dir, path, &how, sizeof how);
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN) || attempt == 1000)
      return static_cast<int>(fd);
  }
}

inline int open_tree(int dir, const char* path, unsigned flags) {
  return static_cast<int>(syscall(428, dir, path, flags));
}

inline int move_mount(int from, const char* from_path, int to, const char* to_path, unsigned flags) {
  return static_cast<int>(syscall(429, from, from_path, to, to_path, flags));
}

inline int fsopen(const char* type) { return static_cast<int>(syscall(430, type, 1u /* FSOPEN_CLOEXEC */)); }

inline int fsconfig(int fd, unsigned command, const char* key, const char* value) {
  return static_cast<int>(syscall(431, fd, command, key, value, 0));
}

inline int fsmount(int fd, uint64_t attributes) {
  return static_cast<int>(syscall(432, fd, 1u /* FSMOUNT_CLOEXEC */, static_cast<unsigned>(attributes)));
}

inline int mount_setattr(int dir, unsigned flags, MountAttr attr) {
  return static_cast<int>(syscall(442, dir, "", flags | at_empty_path, &attr, sizeof attr));
}

inline int close_range(unsigned first, unsigned last) { return static_cast<int>(syscall(436, first, last, 0u)); }

// As fork: the child goes on with a copy of this (single-threaded) process.
inline pid_t clone3(uint64_t flags, int exit_signal) {
  CloneArgs args{};
  args.flags = flags;
  args.exit_signal = static_cast<uint64_t>(exit_signal);
  return static_cast<pid_t>(syscall(435, &args, sizeof args));
}

} // namespace tbuild::sys
