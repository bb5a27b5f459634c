#include "sandbox_masks.h"
#include "sandbox_mount_calls.h"
#include "sandbox_sys.h"
#include <dirent.h>
#include <fnmatch.h>
#include <memory>
#include <sys/stat.h>

namespace tbuild {
namespace {

bool is_absent(int error) { return error == ENOENT || error == ENOTDIR; }

void write_file(const std::string& name, const std::string& content) {
  UniqueFd fd(open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd.valid() || write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()))
    fail("make a file for the sandbox", errno, name);
}

std::vector<std::string> entries_of(int root, const std::string& directory) {
  UniqueFd place = open_in_root(root, directory, O_DIRECTORY);
  if (!place.valid())
    return {};
  int fd = openat(place.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::unique_ptr<DIR, int (*)(DIR*)> entries(fd < 0 ? nullptr : fdopendir(fd), closedir);
  std::vector<std::string> names;
  while (dirent* entry = entries ? readdir(entries.get()) : nullptr)
    names.emplace_back(entry->d_name);
  return names;
}

// `*` never matches a leading dot, so "." and ".." are out.
std::vector<std::string> expand(int root, const std::string& pattern) {
  if (pattern.find('*') == std::string::npos)
    return {pattern};
  std::vector<std::string> paths = {""};
  for (size_t at = 0; at < pattern.size();) {
    size_t end = pattern.find('/', at + 1);
    std::string component = pattern.substr(at + 1, end == std::string::npos ? end : end - at - 1);
    at = end == std::string::npos ? pattern.size() : end;
    std::vector<std::string> longer;
    for (const auto& path : paths) {
      if (component.find('*') == std::string::npos) {
        longer.push_back(path + "/" + component);
        continue;
      }
      for (const auto& name : entries_of(root, path.empty() ? "/" : path)) {
        if (fnmatch(component.c_str(), name.c_str(), FNM_PERIOD) == 0)
          longer.push_back(path + "/" + name);
      }
    }
    paths = std::move(longer);
  }
  return paths;
}

void make_readonly(const SandboxRoot& root, const std::string& path) {
  const std::string op = "make a path read-only";
  UniqueFd place = open_in_root(root.root.get(), path);
  if (!place.valid()) {
    if (is_absent(errno))
      return;
    fail(op, errno, path);
  }
  UniqueFd mount = clone_mount(place.get(), "", true, op);
  set_mount_attributes(mount.get(), sys::attr_rdonly, true, op, path);
  attach(mount.get(), place.get(), op, path);
}

} // namespace

void make_masks(const SandboxRoot& root, const SandboxRequest& request) {
  const std::string op = "make masks";
  if (mkdir("m", 0755) != 0 || mkdir("m/d", 0555) != 0)
    fail(op, errno, "m");
  write_file("m/f", "");
  for (size_t i = 0; i < request.files.size(); i++)
    write_file("m/" + std::to_string(i), request.files[i].content);
  // Every copy of a part of this mount is read-only as it is.
  UniqueFd mount = clone_mount(root.scratch.get(), "m", false, op);
  set_mount_attributes(mount.get(), sys::attr_rdonly, false, op, "m");
  UniqueFd place(openat(root.scratch.get(), "m", O_PATH | O_CLOEXEC));
  if (!place.valid())
    fail(op, errno, "m");
  attach(mount.get(), place.get(), op, "m");
}

void mask_path(const SandboxRoot& root, const std::string& path) {
  const std::string op = "hide a path";
  UniqueFd place = open_in_root(root.root.get(), path);
  struct stat info;
  if (!place.valid() && is_absent(errno))
    return;
  if (!place.valid() || fstat(place.get(), &info) != 0)
    fail(op, errno, path);
  UniqueFd mask = clone_mount(root.scratch.get(), S_ISDIR(info.st_mode) ? "m/d" : "m/f", false, op);
  attach(mask.get(), place.get(), op, path);
}

void protect_paths(const SandboxRoot& root, const SandboxRequest& request) {
  for (const auto& pattern : request.readonly) {
    for (const auto& path : expand(root.root.get(), pattern))
      make_readonly(root, path);
  }
  for (const auto& pattern : request.masked) {
    for (const auto& path : expand(root.root.get(), pattern))
      mask_path(root, path);
  }
}

} // namespace tbuild
