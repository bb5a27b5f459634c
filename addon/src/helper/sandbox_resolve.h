// Path resolution inside a root for paths that need not exist.
#pragma once
#include <string>
#include <vector>

namespace tbuild {

struct ResolvedPath {
  // Components without symlinks; the first `existing` of them exist.
  std::vector<std::string> components;
  size_t existing;

  // The first `count` components joined, relative to the root ("." for none).
  std::string prefix(size_t count) const;
};

// Follows symlinks as if `root` were "/". Only for roots in which nothing else runs yet. `op` names the step in errors.
ResolvedPath resolve_in_root(int root, const std::string& path, const std::string& op);

} // namespace tbuild
