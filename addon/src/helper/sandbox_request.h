// The request of operation `run` as checked, typed data.
#pragma once
#include "frame.h"
#include "sandbox_ids.h"
#include <optional>
#include <string>
#include <vector>

namespace tbuild {

struct SandboxFile {
  std::string target, content;
};

struct SandboxBind {
  std::string source, target;
  bool writable;
};

struct SandboxRequest {
  std::vector<std::string> layers; // topmost first, each once
  std::optional<std::string> upper;
  bool is_volatile = false;
  bool readonly_root = false;
  // Whether the directories are idmapped by the worker and handed over as mounts.
  bool idmap = false;
  bool own_userns = true;
  bool single = false;
  SandboxIdMap uid_map, gid_map;
  bool own_network = false;
  std::string hostname;
  std::vector<std::string> arguments, environment;
  std::string cwd = "/";
  // Who owns the components of the working directory that had to be made: the user that runs the command, or root.
  bool cwd_of_user = false;
  uint32_t uid = 0, gid = 0;
  std::vector<uint32_t> groups;
  uint64_t capabilities = 0;
  std::vector<std::string> masked, readonly;
  std::vector<SandboxFile> files;
  std::vector<SandboxBind> binds;
  bool has_input = false;
};

// Fails with EINVAL on anything malformed or contradictory.
SandboxRequest parse_sandbox_request(const Fields& fields);

} // namespace tbuild
