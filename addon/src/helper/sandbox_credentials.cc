#include "sandbox_credentials.h"
#include <cerrno>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tbuild {
namespace {

// The number of capabilities that the kernel knows ends this: it answers EINVAL.
void limit_bounding_set(uint64_t keep) {
  for (unsigned capability = 0; capability < 64; capability++) {
    if (keep >> capability & 1)
      continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0)
      continue;
    if (errno == EINVAL)
      return;
    fail("drop capabilities", errno);
  }
}

void set_groups(const SandboxRequest& request) {
  // Where setgroups is denied nothing can be added or dropped; the kernel keeps the caller's.
  if (request.single)
    return;
  if (setgroups(request.groups.size(), request.groups.data()) == 0)
    return;
  fail("set the groups", errno, {}, errno == EINVAL ? "a group of the user is not mapped in the user namespace" : "");
}

void set_ids(const SandboxRequest& request) {
  if (setresgid(request.gid, request.gid, request.gid) != 0)
    fail("set the group", errno, std::to_string(request.gid),
         errno == EINVAL ? "group " + std::to_string(request.gid) + " is not mapped in the user namespace" : "");
  if (setresuid(request.uid, request.uid, request.uid) != 0)
    fail("set the user", errno, std::to_string(request.uid),
         errno == EINVAL ? "user " + std::to_string(request.uid) + " is not mapped in the user namespace" : "");
}

void set_capabilities(uint64_t wanted, bool inherited) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  if (syscall(SYS_capget, &header, data) != 0)
    fail("drop capabilities", errno);
  for (int half = 0; half < 2; half++) {
    data[half].permitted &= static_cast<uint32_t>(wanted >> (32 * half));
    data[half].effective = data[half].permitted;
    data[half].inheritable = inherited ? data[half].permitted : 0;
  }
  if (syscall(SYS_capset, &header, data) != 0)
    fail("drop capabilities", errno);
  // Ambient capabilities are a part of the inheritable ones, and so are gone with them.
  for (unsigned capability = 0; inherited && capability < 64; capability++) {
    bool held = data[capability / 32].permitted >> (capability % 32) & 1;
    if (held && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0)
      fail("raise capabilities", errno);
  }
}

} // namespace

void become_user(const SandboxRequest& request) {
  limit_bounding_set(request.capabilities);
  set_groups(request);
  // A user that is not root would lose them with the change of ids.
  if (request.insecure && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
    fail("keep capabilities", errno);
  set_ids(request);
  set_capabilities(request.capabilities, request.insecure);
}

} // namespace tbuild
