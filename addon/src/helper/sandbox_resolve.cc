#include "sandbox_resolve.h"
#include "frame.h"
#include <cerrno>
#include <climits>
#include <deque>
#include <unistd.h>

namespace tbuild {
namespace {

constexpr int max_links = 40; // the kernel's own limit

std::deque<std::string> split(std::string_view path) {
  std::deque<std::string> parts;
  while (!path.empty()) {
    size_t slash = path.find('/');
    if (slash != 0)
      parts.emplace_back(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

} // namespace

std::string ResolvedPath::prefix(size_t count) const {
  std::string out;
  for (size_t i = 0; i < count; i++)
    out += (i ? "/" : "") + components[i];
  return out.empty() ? "." : out;
}

ResolvedPath resolve_in_root(int root, const std::string& path, const std::string& op) {
  ResolvedPath out{{}, 0};
  auto rest = split(path);
  int links = 0;
  while (!rest.empty()) {
    std::string name = std::move(rest.front());
    rest.pop_front();
    if (name == ".")
      continue;
    if (name == "..") {
      if (out.existing < out.components.size())
        fail(op, ENOENT, path, "it climbs out of a directory that does not exist");
      if (!out.components.empty()) {
        out.components.pop_back();
        out.existing--;
      }
      continue;
    }
    out.components.push_back(std::move(name));
    if (out.existing + 1 < out.components.size())
      continue; // below something that does not exist
    char target[PATH_MAX];
    ssize_t length = readlinkat(root, out.prefix(out.components.size()).c_str(), target, sizeof target);
    if (length < 0 && errno == ENOENT)
      continue;
    if (length < 0 && errno == EINVAL) {
      out.existing++;
      continue;
    }
    if (length < 0)
      fail(op, errno, path);
    if (++links > max_links || length == static_cast<ssize_t>(sizeof target))
      fail(op, ELOOP, path);
    out.components.pop_back();
    std::string_view link(target, static_cast<size_t>(length));
    if (link.starts_with('/')) {
      out.components.clear();
      out.existing = 0;
    }
    auto parts = split(link);
    rest.insert(rest.begin(), parts.begin(), parts.end());
  }
  return out;
}

} // namespace tbuild
