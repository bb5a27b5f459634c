// The helper's command line (addon/README.md, "The helper's life").
#pragma once
#include <string>
#include <sys/types.h>
#include <vector>

namespace tbuild {

struct IdRange {
  unsigned long inside, outside, count;
};

struct Options {
  bool new_userns = false;
  bool single = false;
  bool ready = false; // inside the namespaces and the sealed copy: set by the helper itself
  std::vector<IdRange> uid_map, gid_map;
};

Options parse_options(int argc, char** argv);

} // namespace tbuild
