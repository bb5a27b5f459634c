#include "sandbox_mount.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>
#include <unordered_set>

namespace tbuild {
namespace {

constexpr uint64_t max_mounts = 1000;
constexpr uint64_t max_secret = max_payload;
// overlayfs takes no more lower directories; one is kept for mount points, one for an empty stack.
constexpr size_t max_layers = 498;

[[noreturn]] void refuse(std::string message) { fail("protocol", EINVAL, {}, std::move(message)); }

MountType type_of(std::string_view name) {
  constexpr std::pair<std::string_view, MountType> types[] = {{"bind", MountType::bind},
                                                              {"layers", MountType::layers},
                                                              {"tmpfs", MountType::tmpfs},
                                                              {"secret", MountType::secret},
                                                              {"socket", MountType::socket}};
  for (const auto& [known, type] : types) {
    if (name == known)
      return type;
  }
  refuse("unknown type of a mount");
}

// One component, so that it names something in the job directory itself.
std::string name_of(std::string_view name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos)
    refuse("malformed name in the job directory");
  return std::string(name);
}

bool is_writable(const Fields& fields) {
  auto access = fields.get("access");
  if (access != "ro" && access != "rw")
    refuse("unknown access to a mount");
  return access == "rw";
}

// (uid_t)-1 would mean "unchanged".
uint32_t id_of(const Fields& fields, const char* key) {
  uint64_t id = fields.number(key, 0);
  if (id >= 0xffffffff)
    refuse("an id is out of range");
  return static_cast<uint32_t>(id);
}

SandboxMount mount_of(const Fields& fields) {
  SandboxMount mount{type_of(fields.get("type")), absolute_path(fields.get("target"), "target")};
  if (mount.type != MountType::secret && mount.type != MountType::socket)
    mount.writable = is_writable(fields);
  mount.path = fields.find("path").value_or("");
  mount.size = fields.number("size", 0);
  mount.mode = static_cast<uint32_t>(fields.number("mode", 0, 8) & 07777);
  mount.uid = id_of(fields, "uid");
  mount.gid = id_of(fields, "gid");
  switch (mount.type) {
  case MountType::bind:
    mount.source = absolute_path(fields.get("source"), "source");
    break;
  case MountType::layers:
    mount.layers = distinct_layers(fields.all("layer"));
    if (mount.writable)
      mount.source = name_of(fields.get("source"));
    break;
  case MountType::socket:
    mount.source = name_of(fields.get("source"));
    break;
  case MountType::tmpfs:
    break;
  case MountType::secret:
    if (mount.size > max_secret)
      refuse("a secret is too large");
    break;
  }
  return mount;
}

void receive(Channel& channel, Frame& frame, FrameType type) {
  if (!channel.receive(frame))
    _exit(0); // cancelled
  if (frame.type != type)
    fail("protocol", EPROTO, {}, "unexpected frame");
}

void receive_content(Channel& channel, SandboxMount& mount) {
  // Never so short that it is kept inside of the object, which is copied when the list grows.
  mount.content.reserve(std::max<size_t>(mount.size, 64));
  while (mount.content.size() < mount.size) {
    Frame frame;
    receive(channel, frame, FrameType::data);
    bool fits = frame.payload.size() <= mount.size - mount.content.size();
    if (fits)
      mount.content += frame.payload;
    explicit_bzero(frame.payload.data(), frame.payload.size());
    if (!fits)
      refuse("a secret is longer than announced");
  }
}

} // namespace

std::string absolute_path(std::string_view path, const char* what) {
  if (!path.starts_with('/'))
    refuse(std::string(what) + " is not an absolute path");
  return std::string(path);
}

// overlayfs refuses a directory twice; what the topmost shows hides the others.
std::vector<std::string> distinct_layers(const std::vector<std::string_view>& paths) {
  std::vector<std::string> layers;
  std::unordered_set<std::string> seen;
  for (auto path : paths) {
    if (seen.insert(std::string(path)).second)
      layers.push_back(absolute_path(path, "layer"));
  }
  if (layers.size() > max_layers)
    fail("mount the root", EINVAL, {},
         std::to_string(layers.size()) + " layers; overlayfs takes " + std::to_string(max_layers));
  return layers;
}

std::vector<SandboxMount> receive_mounts(Channel& channel, uint64_t count) {
  if (count > max_mounts)
    refuse("too many mounts");
  std::vector<SandboxMount> mounts;
  for (uint64_t i = 0; i < count; i++) {
    Frame frame;
    receive(channel, frame, FrameType::entry);
    mounts.push_back(mount_of(Fields(frame.payload)));
    if (mounts.back().type == MountType::secret)
      receive_content(channel, mounts.back());
  }
  return mounts;
}

void wipe_secrets(std::vector<SandboxMount>& mounts) {
  for (auto& mount : mounts) {
    explicit_bzero(mount.content.data(), mount.content.size());
    mount.content.clear();
  }
}

} // namespace tbuild
