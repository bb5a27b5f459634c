#include "sandbox_attributes.h"
#include "frame.h"
#include <cerrno>
#include <linux/limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <vector>

namespace tbuild {
namespace {

// The names of a directory's extended attributes, or none where there cannot be any.
std::vector<std::string> attribute_names(int dir, const std::string& op, const std::string& path) {
  ssize_t size = flistxattr(dir, nullptr, 0);
  if (size < 0 && errno == EOPNOTSUPP)
    return {};
  std::string names(size > 0 ? static_cast<size_t>(size) : 0, '\0');
  if (size > 0)
    size = flistxattr(dir, names.data(), names.size());
  if (size < 0)
    fail(op, errno, path);
  std::vector<std::string> out;
  for (size_t at = 0; at < static_cast<size_t>(size); at += out.back().size() + 1)
    out.emplace_back(names.c_str() + at);
  return out;
}

} // namespace

void copy_directory_attributes(int from, int to, const std::string& op, const std::string& path) {
  struct stat info;
  if (fstat(from, &info) != 0)
    fail(op, errno, path);
  for (const auto& name : attribute_names(from, op, path)) {
    char value[XATTR_SIZE_MAX];
    ssize_t size = fgetxattr(from, name.c_str(), value, sizeof value);
    if (size < 0 || fsetxattr(to, name.c_str(), value, static_cast<size_t>(size), 0) != 0)
      fail(op, errno, path, "the attribute " + name + " of this directory cannot be kept");
  }
  timespec times[2] = {info.st_atim, info.st_mtim};
  // The mode after the owner: chown clears set-id bits. The ACL's mask is part of the mode.
  if (fchown(to, info.st_uid, info.st_gid) != 0 || fchmod(to, info.st_mode & 07777) != 0 || futimens(to, times) != 0)
    fail(op, errno, path, "the owner of this directory cannot be kept");
}

} // namespace tbuild
