#include "sandbox_root.h"
#include "sandbox_control.h"
#include "sandbox_mount_calls.h"
#include "sandbox_remove.h"
#include "sandbox_stubs.h"
#include "sandbox_sys.h"
#include <fstream>
#include <sys/mount.h>
#include <sys/stat.h>

namespace tbuild {
namespace {

const std::string mount_op = "mount the root";

// Its content is hidden for the rest of the set-up. /proc comes first because nobody keeps a layer in it, and a tmpfs
// on it does not keep the kernel from granting a new procfs.
UniqueFd make_scratch() {
  for (const char* place : {"/proc", "/tmp", "/"}) {
    if (mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME, "mode=0755,size=32m") != 0) {
      if (errno == ENOENT || errno == ENOTDIR)
        continue;
      fail("mount a private tmpfs", errno, place);
    }
    UniqueFd scratch(open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!scratch.valid() || fchdir(scratch.get()) != 0)
      fail("mount a private tmpfs", errno, place);
    return scratch;
  }
  fail("mount a private tmpfs", ENOENT);
}

void make_directory(const char* name) {
  if (mkdir(name, 0755) != 0)
    fail(mount_op, errno, name);
}

// Gives a directory a short name, so that no path of the store (length, ":" or ",") gets into a mount option.
void place_directory(const SandboxRequest& request, HandedMounts& handed, const std::string& path,
                     const std::string& name) {
  if (!request.idmap) {
    if (symlink(path.c_str(), name.c_str()) != 0)
      fail(mount_op, errno, path);
    return;
  }
  make_directory(name.c_str());
  UniqueFd mount = handed.next();
  if (sys::move_mount(mount.get(), "", AT_FDCWD, name.c_str(), sys::move_from_empty) != 0)
    fail(mount_op, errno, path);
}

// overlayfs refuses a work directory that a volatile mount has used.
void make_work_directory() {
  if (mkdir("u/work", 0700) == 0)
    return;
  if (errno != EEXIST)
    fail(mount_op, errno, "work");
  remove_sandbox_tree(AT_FDCWD, "u/work");
  if (mkdir("u/work", 0700) != 0)
    fail(mount_op, errno, "work");
}

std::string lower_names(const SandboxRequest& request, bool with_stubs) {
  std::string names = with_stubs ? "s" : "";
  for (size_t i = 0; i < request.layers.size(); i++)
    names += (names.empty() ? "" : ":") + std::to_string(i);
  return names;
}

// The kernel only gives a number; most often one of the directories is the reason.
[[noreturn]] void explain_overlay_failure(const SandboxRequest& request, int error) {
  for (size_t i = 0; i <= request.layers.size(); i++) {
    bool upper = i == request.layers.size();
    if (upper && !request.upper)
      break;
    std::string name = upper ? "u/diff" : std::to_string(i);
    UniqueFd fd(open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid())
      fail(mount_op, errno, upper ? *request.upper + "/diff" : request.layers[i]);
  }
  fail(mount_op, error, {}, "overlayfs refuses these " + std::to_string(request.layers.size()) + " layers");
}

void mount_overlay(const SandboxRequest& request, bool with_stubs) {
  // Without an upper directory overlayfs wants two lower ones; without layers it still wants one.
  size_t lowers = request.layers.size() + (with_stubs ? 1 : 0);
  bool needs_empty = lowers < (request.upper ? 1 : 2);
  std::string options = "userxattr,index=off,metacopy=off,uuid=off,lowerdir=" + lower_names(request, with_stubs);
  for (size_t i = lowers; needs_empty && i < (request.upper ? 1 : 2); i++)
    options += std::string(i ? ":" : "") + (i ? "e1" : "e0");
  // Directories on different file systems would give files that change their numbers when they are copied up.
  options += with_stubs || needs_empty ? ",xino=on" : ",xino=off";
  if (request.upper) {
    make_work_directory();
    options += ",upperdir=u/diff,workdir=u/work";
    options += request.is_volatile ? ",volatile" : "";
  }
  unsigned long flags = MS_NODEV | (request.readonly_root || !request.upper ? MS_RDONLY : 0);
  if (mount("overlay", "r", "overlay", flags, options.c_str()) != 0)
    explain_overlay_failure(request, errno);
}

UniqueFd open_root() {
  UniqueFd root(open("r", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.valid())
    fail(mount_op, errno, "r");
  return root;
}

std::string read_mountinfo() {
  std::ifstream file("/proc/self/mountinfo");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.empty())
    fail("read /proc/self/mountinfo", errno ? errno : EIO, "/proc/self/mountinfo");
  return text;
}

bool is_below(const std::string& path, std::string_view directory) {
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

// What another mount will supply need not exist in the merged root.
bool is_below_another(const std::string& path, const std::vector<MountPoint>& points) {
  for (const auto& point : points) {
    if (point.directory && point.path != path && is_below(path, point.path))
      return true;
  }
  return false;
}

std::vector<MountPoint> mount_points(const SandboxRequest& request, const std::vector<UniqueFd>& binds) {
  std::vector<MountPoint> points = {{"/proc", true}, {"/sys", true}, {"/dev", true}};
  for (size_t i = 0; i < binds.size(); i++) {
    struct stat info;
    if (fstat(binds[i].get(), &info) != 0)
      fail("mount a directory", errno, request.binds[i].source);
    if (!is_below_another(request.binds[i].target, points))
      points.push_back({request.binds[i].target, S_ISDIR(info.st_mode)});
  }
  for (const auto& file : request.files) {
    if (!is_below_another(file.target, points))
      points.push_back({file.target, false});
  }
  return points;
}

std::vector<UniqueFd> take_binds(const SandboxRequest& request, HandedMounts& handed) {
  std::vector<UniqueFd> binds;
  for (const auto& bind : request.binds) {
    if (request.idmap) {
      binds.push_back(handed.next());
      continue;
    }
    binds.push_back(clone_mount(AT_FDCWD, bind.source.c_str(), true, "mount a directory"));
    uint64_t attributes = sys::attr_nodev | (bind.writable ? 0 : sys::attr_rdonly);
    set_mount_attributes(binds.back().get(), attributes, true, "mount a directory", bind.source);
  }
  return binds;
}

} // namespace

bool HandedMounts::begin() {
  Note note;
  if (!receive_note(control_, note))
    return false;
  ready_ = std::move(note.descriptors);
  return true;
}

UniqueFd HandedMounts::next() {
  if (at_ == ready_.size()) {
    Note note;
    if (!receive_note(control_, note) || note.descriptors.empty())
      fail("take over the mounts", EPIPE);
    ready_ = std::move(note.descriptors);
    at_ = 0;
  }
  return std::move(ready_[at_++]);
}

SandboxRoot make_root(const SandboxRequest& request, HandedMounts& handed) {
  SandboxRoot out;
  if (request.own_userns && !request.idmap && !request.own_network)
    out.mountinfo = read_mountinfo();
  out.scratch = make_scratch();
  for (size_t i = 0; i < request.layers.size(); i++)
    place_directory(request, handed, request.layers[i], std::to_string(i));
  if (request.upper)
    place_directory(request, handed, *request.upper, "u");
  out.binds = take_binds(request, handed);
  for (const char* name : {"r", "e0", "e1"})
    make_directory(name);
  mount_overlay(request, false);
  out.root = open_root();
  auto missing = missing_mount_points(out.root.get(), mount_points(request, out.binds));
  if (missing.empty())
    return out;
  make_stub_layer(out.root.get(), out.scratch.get(), "s", missing);
  out.root.reset();
  if (umount2("r", 0) != 0)
    fail(mount_op, errno, "r");
  mount_overlay(request, true);
  out.root = open_root();
  return out;
}

} // namespace tbuild
