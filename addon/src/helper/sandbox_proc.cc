#include "sandbox_proc.h"
#include "sandbox_masks.h"
#include "sandbox_mount_calls.h"
#include "sandbox_sys.h"
#include <algorithm>
#include <linux/magic.h>
#include <sstream>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace tbuild {
namespace {

constexpr uint64_t no_surprises = sys::attr_nosuid | sys::attr_nodev | sys::attr_noexec;
const char* cgroup_path = "/sys/fs/cgroup";

bool has_cgroup2() {
  struct statfs info;
  return statfs(cgroup_path, &info) == 0 && info.f_type == CGROUP2_SUPER_MAGIC;
}

uint64_t attributes_of(const SandboxRequest& request) {
  return no_surprises | (request.insecure ? 0 : sys::attr_rdonly);
}

void mount_cgroup(int root, uint64_t attributes) {
  const std::string op = "mount /sys/fs/cgroup";
  // The root of it in the sandbox's own cgroup namespace: no name of a cgroup above it is seen.
  UniqueFd mount = new_filesystem("cgroup2", {}, attributes, op);
  UniqueFd place = open_in_root(root, cgroup_path, O_DIRECTORY);
  if (!place.valid())
    fail(op, errno, cgroup_path);
  attach(mount.get(), place.get(), op, cgroup_path);
}

// Octal escapes of /proc/self/mountinfo.
std::string unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out.push_back(static_cast<char>((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

// Mounts right below /sys that a copy of it brings along. Those below another one are hidden with it.
std::vector<std::string> mounts_below_sys(std::istream& mountinfo) {
  std::vector<std::string> found;
  for (std::string line; std::getline(mountinfo, line);) {
    std::istringstream fields(line);
    std::string skip, point;
    fields >> skip >> skip >> skip >> skip >> point;
    point = unescape(point);
    if (point.starts_with("/sys/"))
      found.push_back(point);
  }
  std::erase_if(found, [&](const std::string& path) {
    for (const auto& other : found) {
      if (path.size() > other.size() && path.starts_with(other) && path[other.size()] == '/')
        return true;
    }
    return false;
  });
  return found;
}

} // namespace

UniqueFd open_own_directory(int root, const char* name) {
  UniqueFd fd(openat(root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) {
    int error = errno;
    bool odd = error == ENOTDIR || error == ELOOP;
    fail(std::string("mount /") + name, error, std::string("/") + name,
         odd ? std::string("/") + name + " of the image is not a directory" : "");
  }
  return fd;
}

void mount_proc(int root) {
  UniqueFd mount = new_filesystem("proc", {}, no_surprises, "mount /proc");
  attach(mount.get(), open_own_directory(root, "proc").get(), "mount /proc", "/proc");
}

void mount_sys(const SandboxRoot& root, const SandboxRequest& request, HandedMounts& handed) {
  const std::string op = "mount /sys";
  UniqueFd place = open_own_directory(root.root.get(), "sys");
  UniqueFd mount;
  std::vector<std::string> hidden;
  if (request.own_network) {
    mount = new_filesystem("sysfs", {}, attributes_of(request), op);
  } else if (request.idmap) {
    mount = handed.next();
  } else {
    // A user namespace of its own may not part a mount from those below it, so all of them come along.
    mount = clone_mount(AT_FDCWD, "/sys", request.own_userns, op);
    set_mount_attributes(mount.get(), attributes_of(request), true, op, "/sys");
    std::istringstream mountinfo(root.mountinfo);
    hidden = mounts_below_sys(mountinfo);
  }
  bool cgroup = has_cgroup2();
  attach(mount.get(), place.get(), op, "/sys");
  for (const auto& path : hidden)
    mask_path(root, path);
  if (cgroup)
    mount_cgroup(root.root.get(), attributes_of(request));
  else if (std::find(hidden.begin(), hidden.end(), cgroup_path) == hidden.end())
    mask_path(root, cgroup_path);
}

} // namespace tbuild
