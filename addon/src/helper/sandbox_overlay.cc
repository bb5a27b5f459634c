#include "sandbox_overlay.h"
#include "sandbox_control.h"
#include "sandbox_remove.h"
#include "sandbox_sys.h"
#include <algorithm>
#include <sys/mount.h>
#include <sys/stat.h>

namespace tbuild {
namespace {

const std::string attach_op = "mount the root";

void place_directory(const SandboxRequest& request, HandedMounts& handed, const std::string& path,
                     const std::string& name) {
  if (!request.idmap) {
    if (symlink(path.c_str(), name.c_str()) != 0)
      fail(attach_op, errno, path);
    return;
  }
  make_scratch_directory(name);
  UniqueFd mount = handed.next();
  if (sys::move_mount(mount.get(), "", AT_FDCWD, name.c_str(), sys::move_from_empty) != 0)
    fail(attach_op, errno, path);
}

// overlayfs refuses a work directory that a volatile mount has used.
void make_work_directory(const std::string& path, const std::string& op) {
  if (mkdir(path.c_str(), 0700) == 0)
    return;
  if (errno != EEXIST)
    fail(op, errno, "work");
  remove_sandbox_tree(AT_FDCWD, path.c_str());
  if (mkdir(path.c_str(), 0700) != 0)
    fail(op, errno, "work");
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

void make_scratch_directory(const std::string& name) {
  if (mkdir(name.c_str(), 0755) != 0)
    fail(attach_op, errno, name);
}

Overlays::Overlays(const SandboxRequest& request, HandedMounts& handed)
    : request_(request), directories_(request.directories()) {
  for (size_t i = 0; i < directories_.size(); i++)
    place_directory(request, handed, directories_[i], std::to_string(i));
  if (request.upper)
    place_directory(request, handed, *request.upper, "u");
  for (const char* name : {"e0", "e1"})
    make_scratch_directory(name);
}

size_t Overlays::number_of(const std::string& layer) const {
  return static_cast<size_t>(std::find(directories_.begin(), directories_.end(), layer) - directories_.begin());
}

// Without an upper directory overlayfs wants two lower ones; without layers it still wants one.
std::string Overlays::lower_names(const Overlay& overlay) const {
  std::vector<std::string> names = overlay.stubs;
  for (const auto& layer : overlay.layers)
    names.push_back(std::to_string(number_of(layer)));
  for (const char* empty : {"e0", "e1"}) {
    if (names.size() < (overlay.upper ? 1 : 2))
      names.push_back(empty);
  }
  std::string joined;
  for (const auto& name : names)
    joined += (joined.empty() ? "" : ":") + name;
  return joined;
}

// The kernel only gives a number; most often one of the directories is the reason.
void Overlays::explain_failure(const Overlay& overlay, const std::string& op, int error) const {
  auto check = [&](const std::string& name, const std::string& path) {
    UniqueFd fd(open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid())
      fail(op, errno, path);
  };
  for (const auto& layer : overlay.layers)
    check(std::to_string(number_of(layer)), layer);
  if (overlay.upper)
    check("u/" + *overlay.upper + "diff", *request_.upper + "/" + *overlay.upper + "diff");
  fail(op, error, {}, "overlayfs refuses these " + std::to_string(overlay.layers.size()) + " layers");
}

void Overlays::mount(const Overlay& overlay, const std::string& place, const std::string& op) const {
  std::string lower = lower_names(overlay);
  std::string options = "userxattr,index=off,metacopy=off,uuid=off,lowerdir=" + lower;
  // Directories on different file systems would give files that change their numbers when they are copied up.
  bool mixed = !overlay.stubs.empty() || lower.find('e') != std::string::npos;
  options += mixed ? ",xino=on" : ",xino=off";
  if (overlay.upper) {
    std::string directory = "u/" + *overlay.upper;
    make_work_directory(directory + "work", op);
    options += ",upperdir=" + directory + "diff,workdir=" + directory + "work";
    options += request_.is_volatile ? ",volatile" : "";
  }
  unsigned long flags = MS_NODEV | (overlay.readonly || !overlay.upper ? MS_RDONLY : 0);
  if (::mount("overlay", place.c_str(), "overlay", flags, options.c_str()) != 0)
    explain_failure(overlay, op, errno);
}

} // namespace tbuild
