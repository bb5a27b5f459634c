#include "identity.h"
#include "../common/unique_fd.h"
#include "frame.h"
#include "map_tools.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>

namespace tbuild {
namespace {

std::string first_line(const char* path) {
  std::string line;
  std::ifstream(path) >> line;
  return line;
}

// Distributions switch user namespaces off in several ways; the errno alone tells none of them.
std::string why_no_userns(int error) {
  if (first_line("/proc/sys/user/max_user_namespaces") == "0")
    return "user namespaces are switched off: set the sysctl user.max_user_namespaces above 0";
  if (first_line("/proc/sys/kernel/unprivileged_userns_clone") == "0")
    return "user namespaces are switched off for users: set the sysctl kernel.unprivileged_userns_clone=1";
  if (first_line("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1")
    return "AppArmor restricts user namespaces: set the sysctl kernel.apparmor_restrict_unprivileged_userns=0, or "
           "give the helper an AppArmor profile that allows userns";
  if (error == ENOSPC)
    return "too many user namespaces are in use (sysctl user.max_user_namespaces)";
  return std::string("the kernel refuses a user namespace: ") + strerror(error) +
         " (inside a container, allow unshare in its seccomp profile)";
}

void write_proc(const char* path, const std::string& text) {
  UniqueFd fd(open(path, O_WRONLY | O_CLOEXEC));
  if (!fd.valid() || write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    fail("start", errno, path, std::string("cannot write ") + path + ": " + why_no_userns(errno));
}

std::string map_text(const std::vector<IdRange>& map) {
  std::string text;
  for (const IdRange& range : map)
    text +=
        std::to_string(range.inside) + " " + std::to_string(range.outside) + " " + std::to_string(range.count) + "\n";
  return text;
}

} // namespace

void enter_namespaces(const Options& options) {
  if (options.new_userns && options.single) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
      fail("start", errno, {}, why_no_userns(errno));
    write_proc("/proc/self/setgroups", "deny");
    write_proc("/proc/self/uid_map", map_text(options.uid_map));
    write_proc("/proc/self/gid_map", map_text(options.gid_map));
  } else if (options.new_userns) {
    // newuidmap is set-user-ID, which means nothing inside the new namespace: a child that stays outside runs it.
    MapWriter writer(options);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
      fail("start", errno, {}, why_no_userns(errno));
    writer.write_maps();
  } else if (unshare(CLONE_NEWNS) != 0) {
    fail("start", errno, {}, std::string("cannot make a mount namespace: ") + strerror(errno));
  }
  if (options.new_userns) {
    if (setresgid(0, 0, 0) != 0 || (!options.single && setgroups(0, nullptr) != 0) || setresuid(0, 0, 0) != 0)
      fail("start", errno, {}, std::string("cannot become id 0 of the user namespace: ") + strerror(errno));
  }
  if (mount(nullptr, "/", nullptr, MS_PRIVATE | MS_REC, nullptr) != 0)
    fail("start", errno, "/", options.new_userns ? why_no_userns(errno) : "cannot make the mounts private");
}

std::string read_id_map(const char* path) {
  std::ifstream file(path);
  std::string map, inside, outside, count;
  while (file >> inside >> outside >> count) {
    if (!map.empty())
      map += ',';
    map += inside + " " + outside + " " + count;
  }
  return map;
}

} // namespace tbuild
