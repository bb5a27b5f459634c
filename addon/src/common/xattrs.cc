#include "xattrs.h"
#include <algorithm>
#include <cerrno>
#include <sys/types.h>
#include <sys/xattr.h>

namespace tbuild {
namespace {

constexpr std::string_view overlay_prefix = "user.overlay.";
constexpr std::string_view overlay_escape = "user.overlay.overlay.";

// Calls `read(buffer, size)` with a buffer that fits; -1 with errno as the system call.
template <typename Read> ssize_t read_all(std::string& buffer, Read read) {
  buffer.resize(1024);
  for (;;) {
    ssize_t size = read(buffer.data(), buffer.size());
    if (size >= 0) {
      buffer.resize(static_cast<size_t>(size));
      return size;
    }
    if (errno != ERANGE || buffer.size() > (1u << 20))
      return -1;
    buffer.resize(std::max<size_t>(buffer.size() * 8, 65536));
  }
}

template <typename Get>
int read_listed(const std::string& names, std::vector<Xattr>& out, OverlayMarks* marks, Get get) {
  for (size_t begin = 0; begin < names.size();) {
    std::string name = names.substr(begin, names.find('\0', begin) - begin);
    begin += name.size() + 1;
    if (!is_layer_xattr(name))
      continue;
    std::string value;
    if (read_all(value, [&](char* data, size_t size) { return get(name.c_str(), data, size); }) < 0) {
      if (errno == ENODATA) // removed meanwhile
        continue;
      return errno;
    }
    if (marks != nullptr && name.starts_with(overlay_escape)) {
      name.erase(overlay_prefix.size(), overlay_escape.size() - overlay_prefix.size());
    } else if (marks != nullptr && name.starts_with(overlay_prefix)) {
      marks->opaque |= name == "user.overlay.opaque" && value == "y";
      marks->foreign_content |= name == "user.overlay.redirect" || name == "user.overlay.metacopy";
      continue;
    }
    value = normalised_xattr(name, std::move(value));
    out.push_back({std::move(name), std::move(value)});
  }
  std::sort(out.begin(), out.end(), [](const Xattr& a, const Xattr& b) { return a.name < b.name; });
  return 0;
}

int list_error() { return errno == ENOTSUP ? 0 : errno; }

} // namespace

bool is_layer_xattr(std::string_view name) {
  return name == "security.capability" || name == "system.posix_acl_access" || name == "system.posix_acl_default" ||
         (name.starts_with("user.") && name.size() > 5);
}

std::string normalised_xattr(std::string_view name, std::string value) {
  // struct vfs_ns_cap_data: u32 magic, 2 × (u32 permitted, u32 inheritable), u32 rootid.
  if (name == "security.capability" && value.size() == 24 && value[3] == 3) {
    value[3] = 2;
    value.resize(20);
  }
  return value;
}

int read_xattrs(int fd, std::vector<Xattr>& out, OverlayMarks* marks) {
  std::string names;
  ssize_t size = read_all(names, [&](char* data, size_t room) { return flistxattr(fd, data, room); });
  if (size < 0)
    return list_error();
  return read_listed(names, out, marks,
                     [&](const char* name, char* data, size_t room) { return fgetxattr(fd, name, data, room); });
}

int read_xattrs(const std::string& path, std::vector<Xattr>& out, OverlayMarks* marks) {
  const char* file = path.c_str();
  std::string names;
  ssize_t size = read_all(names, [&](char* data, size_t room) { return llistxattr(file, data, room); });
  if (size < 0)
    return list_error();
  return read_listed(names, out, marks,
                     [&](const char* name, char* data, size_t room) { return lgetxattr(file, name, data, room); });
}

} // namespace tbuild
