#include "sandbox_root.h"
#include "sandbox_mount_sources.h"
#include "sandbox_stubs.h"
#include "sandbox_sys.h"
#include <fstream>
#include <sys/mount.h>

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

// What is below a mount need not exist in the merged root. Files of the request are covered by mounts, so they must.
std::vector<MountPoint> mount_points(const SandboxRequest& request, const std::vector<UniqueFd>& mounts) {
  std::vector<MountPoint> points = {{"/proc", true}, {"/sys", true}, {"/dev", true}};
  for (const auto& file : request.files)
    points.push_back({file.target, false});
  for (size_t i = 0; i < request.mounts.size(); i++) {
    if (!is_below_mount(request, i))
      points.push_back({request.mounts[i].target, is_directory_mount(request.mounts[i], mounts[i])});
  }
  return points;
}

} // namespace

SandboxRoot make_root(const SandboxRequest& request, HandedMounts& handed) {
  SandboxRoot out;
  if (request.own_userns && !request.idmap && !request.own_network)
    out.mountinfo = read_mountinfo();
  out.scratch = make_scratch();
  Overlays overlays(request, handed);
  out.mounts = make_mount_sources(request, overlays, handed);
  Overlay root{request.layers};
  if (request.upper)
    root.upper = "";
  root.readonly = request.readonly_root;
  make_scratch_directory("r");
  overlays.mount(root, "r", mount_op);
  out.root = open_root();
  auto missing = missing_mount_points(out.root.get(), mount_points(request, out.mounts));
  if (missing.empty())
    return out;
  for (const auto& point : missing)
    out.missing.push_back(point.path);
  make_stub_layer(out.root.get(), out.scratch.get(), "s", missing);
  out.root.reset();
  if (umount2("r", 0) != 0)
    fail(mount_op, errno, "r");
  root.stubs = {"s"};
  overlays.mount(root, "r", mount_op);
  out.root = open_root();
  return out;
}

} // namespace tbuild
