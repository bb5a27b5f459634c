// newuidmap and newgidmap (package uidmap), run for this process by a child outside its user namespace.
#pragma once
#include "../common/unique_fd.h"
#include "options.h"

namespace tbuild {

class MapWriter {
public:
  // Forks the child; call before unshare. Fails when a tool is missing.
  explicit MapWriter(const Options& options);
  ~MapWriter();
  MapWriter(const MapWriter&) = delete;
  // After unshare: lets the child write both maps, waits for it, fails with what the tool said.
  void write_maps();

private:
  pid_t child_ = -1;
  UniqueFd start_;  // one byte lets the child go
  UniqueFd output_; // what the tools print
};

} // namespace tbuild
