#include "sandbox_dev.h"
#include "sandbox_mount_calls.h"
#include "sandbox_proc.h"
#include "sandbox_sys.h"
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace tbuild {
namespace {

constexpr uint64_t no_surprises = sys::attr_nosuid | sys::attr_nodev | sys::attr_noexec;
// The conventional id of the group that owns terminals.
constexpr uint32_t tty_group = 5;

struct Device {
  const char* name;
  unsigned major, minor;
};

constexpr Device devices[] = {{"null", 1, 3},   {"zero", 1, 5},    {"full", 1, 7},
                              {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

constexpr std::pair<const char*, const char*> links[] = {{"fd", "/proc/self/fd"},
                                                         {"stdin", "/proc/self/fd/0"},
                                                         {"stdout", "/proc/self/fd/1"},
                                                         {"stderr", "/proc/self/fd/2"},
                                                         {"ptmx", "pts/ptmx"}};

UniqueFd open_place(int dev, const char* name) {
  UniqueFd place(openat(dev, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!place.valid())
    fail("mount /dev", errno, name);
  return place;
}

// What is bound is checked on the descriptor that is bound, so nothing can take its place in between.
void bind_device(int dev, const Device& device) {
  std::string path = std::string("/dev/") + device.name, op = "mount " + path;
  UniqueFd mount = clone_mount(AT_FDCWD, path.c_str(), false, op);
  struct stat info;
  if (fstat(mount.get(), &info) != 0)
    fail(op, errno, path);
  if (!S_ISCHR(info.st_mode) || info.st_rdev != makedev(device.major, device.minor))
    fail(op, ENODEV, path, path + " of this machine is not the device that it should be");
  if (mknodat(dev, device.name, S_IFREG | 0666, 0) != 0)
    fail(op, errno, path);
  attach(mount.get(), open_place(dev, device.name).get(), op, path);
}

void mount_below(int dev, const char* name, mode_t mode, const UniqueFd& mount) {
  std::string path = std::string("/dev/") + name, op = "mount " + path;
  if (mkdirat(dev, name, mode) != 0)
    fail(op, errno, path);
  attach(mount.get(), open_place(dev, name).get(), op, path);
}

void write_script(int directory, const SandboxScript& script) {
  const std::string op = "mount /dev/pipes";
  UniqueFd fd(openat(directory, script.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0755));
  if (!fd.valid() || fchmod(fd.get(), 0755) != 0)
    fail(op, errno, script.name);
  for (size_t done = 0; done < script.content.size();) {
    ssize_t part = write(fd.get(), script.content.data() + done, script.content.size() - done);
    if (part < 0)
      fail(op, errno, script.name);
    done += static_cast<size_t>(part);
  }
}

// A read-only mount of its own, as BuildKit has it.
void mount_scripts(int dev, const std::vector<SandboxScript>& scripts) {
  if (scripts.empty())
    return;
  const std::string op = "mount /dev/pipes";
  UniqueFd mount = new_filesystem("tmpfs", {{"mode", "0755"}, {"size", "64m"}}, sys::attr_nosuid | sys::attr_nodev, op);
  for (const auto& script : scripts)
    write_script(mount.get(), script);
  set_mount_attributes(mount.get(), sys::attr_rdonly, false, op, "/dev/pipes");
  mount_below(dev, "pipes", 0755, mount);
}

} // namespace

UniqueFd mount_dev(int root, const SandboxRequest& request) {
  // nodev covers nodes that a command makes; the devices below are mounts of their own.
  UniqueFd mount =
      new_filesystem("tmpfs", {{"mode", "0755"}, {"size", "64m"}}, sys::attr_nosuid | sys::attr_nodev, "mount /dev");
  UniqueFd place = open_own_directory(root, "dev");
  attach(mount.get(), place.get(), "mount /dev", "/dev");
  int dev = mount.get();
  for (const auto& device : devices)
    bind_device(dev, device);
  for (const auto& [name, target] : links) {
    if (symlinkat(target, dev, name) != 0)
      fail("mount /dev", errno, name);
  }
  MountOptions pts = {{"newinstance", nullptr}, {"ptmxmode", "0666"}, {"mode", "0620"}};
  if (!request.own_userns || outside_id(request.gid_map, tty_group))
    pts.push_back({"gid", "5"});
  mount_below(dev, "pts", 0755, new_filesystem("devpts", pts, sys::attr_nosuid | sys::attr_noexec, "mount /dev/pts"));
  mount_below(dev, "shm", 01777,
              new_filesystem("tmpfs", {{"mode", "1777"}, {"size", "64m"}}, no_surprises, "mount /dev/shm"));
  mount_below(dev, "mqueue", 0755, new_filesystem("mqueue", {}, no_surprises, "mount /dev/mqueue"));
  mount_scripts(dev, request.scripts);
  return mount;
}

} // namespace tbuild
