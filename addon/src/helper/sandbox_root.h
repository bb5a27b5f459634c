// The merged root of a sandbox, in a private tmpfs in which everything that is mounted is put together.
#pragma once
#include "sandbox_overlay.h"

namespace tbuild {

struct SandboxRoot {
  UniqueFd scratch; // the private tmpfs
  UniqueFd root;    // the merged root, O_PATH
  // Of the request's mounts, in its order, as detached mounts. None for a tmpfs, which depends on what it covers.
  std::vector<UniqueFd> mounts;
  // The targets of mounts that do not exist in the image.
  std::vector<std::string> missing;
  // /proc/self/mountinfo of the machine, where it is needed: the scratch covers /proc.
  std::string mountinfo;
};

// Mounts the root, and makes what is mounted in it. The working directory is the scratch afterwards.
SandboxRoot make_root(const SandboxRequest& request, HandedMounts& handed);

} // namespace tbuild
