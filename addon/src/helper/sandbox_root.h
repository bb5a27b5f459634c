// The merged root of a sandbox: a private tmpfs in which the layers, the job and whatever is bound later are attached
// under short names, and the overlay of them.
#pragma once
#include "../common/unique_fd.h"
#include "sandbox_request.h"

namespace tbuild {

// Where detached mounts come from that only the worker can make, in the order of the request.
class HandedMounts {
public:
  explicit HandedMounts(int control) : control_(control) {}
  // Waits for the first note, which also says that the id maps are written. False when the worker is gone.
  bool begin();
  UniqueFd next();

private:
  int control_;
  std::vector<UniqueFd> ready_;
  size_t at_ = 0;
};

struct SandboxRoot {
  UniqueFd scratch; // the private tmpfs
  UniqueFd root;    // the merged root, O_PATH
  // Of the request, as detached mounts.
  std::vector<UniqueFd> binds;
  // /proc/self/mountinfo of the machine, where it is needed: the scratch covers /proc.
  std::string mountinfo;
};

// Mounts everything. The working directory is the scratch afterwards.
SandboxRoot make_root(const SandboxRequest& request, HandedMounts& handed);

} // namespace tbuild
