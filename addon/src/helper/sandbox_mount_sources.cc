#include "sandbox_mount_sources.h"
#include "sandbox_attributes.h"
#include "sandbox_mount_calls.h"
#include "sandbox_sys.h"
#include <sys/mount.h>
#include <sys/stat.h>

namespace tbuild {
namespace {

const std::string source_op = "open the source of a mount";
const std::string secret_op = "make a secret";

bool is_below(const std::string& path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

UniqueFd open_place(const std::string& name) {
  UniqueFd place(open(name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!place.valid())
    fail(source_op, errno, name);
  return place;
}

// Resolved once, to a descriptor, with every symlink inside the source: whoever changes the tree at the same time
// changes what is mounted, not where it lies.
UniqueFd clone_inside(const std::string& place, const std::string& path) {
  UniqueFd root = open_place(place);
  UniqueFd found = path.empty() ? std::move(root) : open_in_root_mount(root.get(), path);
  if (!found.valid())
    fail(source_op, errno, path);
  return clone_mount(found.get(), "", false, source_op);
}

UniqueFd make_bind(const SandboxRequest& request, const SandboxMount& mount, const std::string& name,
                   HandedMounts& handed) {
  UniqueFd source;
  if (request.idmap) {
    source = handed.next();
  } else {
    source = clone_mount(AT_FDCWD, mount.source.c_str(), true, "mount a directory");
    uint64_t attributes = sys::attr_nodev | (mount.writable ? 0 : sys::attr_rdonly);
    set_mount_attributes(source.get(), attributes, true, "mount a directory", mount.source);
  }
  if (mount.path.empty())
    return source;
  make_scratch_directory(name);
  attach(source.get(), open_place(name).get(), source_op, mount.source);
  return clone_inside(name, mount.path);
}

// A tree of layers looks as its own root does also where it takes what is written.
void make_upper(const std::string& merged, const std::string& directory) {
  for (const std::string& path : {directory, directory + "/diff"}) {
    if (mkdir(path.c_str(), 0755) != 0)
      fail(source_op, errno, path);
  }
  UniqueFd from(open(merged.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  UniqueFd to(open((directory + "/diff").c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!from.valid() || !to.valid())
    fail(source_op, errno, directory);
  copy_directory_attributes(from.get(), to.get(), source_op, "/");
}

UniqueFd make_layers(const SandboxMount& mount, const std::string& name, const Overlays& overlays) {
  Overlay overlay{mount.layers};
  make_scratch_directory(name);
  overlays.mount(overlay, name, source_op);
  if (mount.writable) {
    make_upper(name, "u/" + mount.source);
    if (umount2(name.c_str(), 0) != 0)
      fail(source_op, errno, name);
    overlay.upper = mount.source + "/";
    overlays.mount(overlay, name, source_op);
  }
  return clone_inside(name, mount.path);
}

void own(int fd, const SandboxMount& mount, const std::string& op) {
  if (fchown(fd, mount.uid, mount.gid) == 0)
    return;
  int error = errno;
  std::string id = std::to_string(mount.uid) + ":" + std::to_string(mount.gid);
  fail(op, error, mount.target, error == EINVAL ? id + " is not mapped in the user namespace" : "");
}

// ramfs, unlike tmpfs, is never swapped out.
void make_secrets(const SandboxRequest& request) {
  make_scratch_directory("k");
  UniqueFd memory = new_filesystem("ramfs", {{"mode", "0700"}}, 0, secret_op);
  attach(memory.get(), open_place("k").get(), secret_op, "k");
  for (size_t i = 0; i < request.mounts.size(); i++) {
    const SandboxMount& mount = request.mounts[i];
    if (mount.type != MountType::secret)
      continue;
    std::string name = "k/" + std::to_string(i);
    UniqueFd fd(open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    const std::string& content = mount.content;
    if (!fd.valid() || write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()))
      fail(secret_op, errno, mount.target);
    own(fd.get(), mount, secret_op);
    if (fchmod(fd.get(), mount.mode) != 0)
      fail(secret_op, errno, mount.target);
  }
  uint64_t attributes = sys::attr_rdonly | sys::attr_nosuid | sys::attr_nodev | sys::attr_noexec;
  set_mount_attributes(memory.get(), attributes, false, secret_op, "k");
}

// The job directory is out of everybody's reach, so its names may be used twice.
UniqueFd make_socket(const SandboxMount& mount) {
  const std::string op = "mount a socket", name = "u/" + mount.source;
  struct stat info;
  if (lstat(name.c_str(), &info) != 0)
    fail(op, errno, mount.source);
  if (!S_ISSOCK(info.st_mode))
    fail(op, ENOTSOCK, mount.source);
  if (chmod(name.c_str(), mount.mode) != 0)
    fail(op, errno, mount.source);
  if (lchown(name.c_str(), mount.uid, mount.gid) != 0)
    fail(op, errno, mount.target,
         errno == EINVAL
             ? std::to_string(mount.uid) + ":" + std::to_string(mount.gid) + " is not mapped in the user namespace"
             : "");
  UniqueFd socket = clone_mount(AT_FDCWD, name.c_str(), false, op);
  set_mount_attributes(socket.get(), sys::attr_nosuid | sys::attr_nodev | sys::attr_noexec, false, op, mount.target);
  return socket;
}

} // namespace

std::vector<UniqueFd> make_mount_sources(const SandboxRequest& request, const Overlays& overlays,
                                         HandedMounts& handed) {
  std::vector<UniqueFd> sources;
  bool has_secrets = false;
  for (size_t i = 0; i < request.mounts.size(); i++) {
    const SandboxMount& mount = request.mounts[i];
    std::string name = "m" + std::to_string(i);
    switch (mount.type) {
    case MountType::bind:
      sources.push_back(make_bind(request, mount, name, handed));
      break;
    case MountType::layers:
      sources.push_back(make_layers(mount, name, overlays));
      break;
    case MountType::tmpfs:
      sources.emplace_back();
      break;
    case MountType::secret:
      if (!std::exchange(has_secrets, true))
        make_secrets(request);
      sources.push_back(clone_mount(AT_FDCWD, ("k/" + std::to_string(i)).c_str(), false, secret_op));
      break;
    case MountType::socket:
      sources.push_back(make_socket(mount));
      break;
    }
  }
  return sources;
}

bool is_directory_mount(const SandboxMount& mount, const UniqueFd& source) {
  if (mount.type == MountType::tmpfs)
    return true;
  struct stat info;
  if (fstat(source.get(), &info) != 0)
    fail(source_op, errno, mount.source);
  return S_ISDIR(info.st_mode);
}

bool is_below_mount(const SandboxRequest& request, size_t index) {
  const std::string& target = request.mounts[index].target;
  for (const char* own : {"/proc", "/sys", "/dev"}) {
    if (is_below(target, own))
      return true;
  }
  for (size_t i = 0; i < index; i++) {
    if (is_below(target, request.mounts[i].target))
      return true;
  }
  return false;
}

} // namespace tbuild
