// Overlays of a sandbox. Directories get short names in the scratch directory, so that no path of the store (length,
// ":" or ",") gets into a mount option: the layers 0, 1, 2…, the job "u".
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

struct Overlay {
  const std::vector<std::string>& layers; // topmost first
  // Lower directories in front of the layers, by name in the scratch directory.
  std::vector<std::string> stubs = {};
  // A directory of the job, relative to it, with `diff/`; `work/` is made in it afresh. None: read-only.
  std::optional<std::string> upper = {};
  bool readonly = false;
};

class Overlays {
public:
  // Attaches the directories of the request. The working directory is the scratch.
  Overlays(const SandboxRequest& request, HandedMounts& handed);

  // Mounts on the directory `place` of the scratch, which is made. `op` names the step in errors.
  void mount(const Overlay& overlay, const std::string& place, const std::string& op) const;

private:
  std::string lower_names(const Overlay& overlay) const;
  [[noreturn]] void explain_failure(const Overlay& overlay, const std::string& op, int error) const;
  size_t number_of(const std::string& layer) const;

  const SandboxRequest& request_;
  std::vector<std::string> directories_;
};

// In the scratch directory.
void make_scratch_directory(const std::string& name);

} // namespace tbuild
