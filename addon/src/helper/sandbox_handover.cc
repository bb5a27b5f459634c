#include "sandbox_handover.h"
#include "sandbox_control.h"
#include "sandbox_mount_calls.h"
#include "sandbox_sys.h"

namespace tbuild {
namespace {

class Handover {
public:
  Handover(int control, int userns) : control_(control), userns_(userns) {}

  // What is on the disk as id 0… appears in the sandbox as its own ids.
  void add_mapped(const std::string& path, uint64_t attributes) {
    UniqueFd mount = clone_mount(AT_FDCWD, path.c_str(), false, "clone a directory");
    if (sys::mount_setattr(mount.get(), 0,
                           {attributes | sys::attr_nodev | sys::attr_idmap, 0, 0, static_cast<uint64_t>(userns_)}) != 0)
      fail("map the ids of a directory", errno, path);
    add(std::move(mount));
  }

  void add(UniqueFd mount) {
    note_.descriptors.push_back(std::move(mount));
    if (note_.descriptors.size() == max_note_descriptors)
      flush();
  }

  // A PID 1 that is gone has said why, in a note that the relay reads.
  void flush() {
    send_note(control_, note_);
    note_.descriptors.clear();
    sent_ = true;
  }

  void finish() {
    if (!sent_ || !note_.descriptors.empty())
      flush();
  }

private:
  int control_, userns_;
  Note note_{NoteKind::mounts};
  bool sent_ = false;
};

} // namespace

void hand_over_mounts(const SandboxRequest& request, pid_t init, int control) {
  UniqueFd userns;
  if (request.idmap) {
    std::string path = "/proc/" + std::to_string(init) + "/ns/user";
    userns.reset(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!userns.valid())
      fail("open the user namespace", errno, path);
  }
  Handover handover(control, userns.get());
  if (request.idmap) {
    for (const auto& directory : request.directories())
      handover.add_mapped(directory, sys::attr_rdonly);
    if (request.upper)
      handover.add_mapped(*request.upper, 0);
    for (const auto& mount : request.mounts) {
      if (mount.type == MountType::bind)
        handover.add_mapped(mount.source, mount.writable ? 0 : sys::attr_rdonly);
    }
    if (!request.own_network) {
      UniqueFd mount = clone_mount(AT_FDCWD, "/sys", false, "mount /sys");
      uint64_t attributes = sys::attr_nosuid | sys::attr_nodev | sys::attr_noexec;
      attributes |= request.insecure ? 0 : sys::attr_rdonly;
      set_mount_attributes(mount.get(), attributes, false, "mount /sys", "/sys");
      handover.add(std::move(mount));
    }
  }
  handover.finish();
}

} // namespace tbuild
