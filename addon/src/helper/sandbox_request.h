// The request of operation `run` as checked, typed data.
#pragma once
#include "frame.h"
#include "sandbox_ids.h"
#include "sandbox_mount.h"
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tbuild {

struct SandboxFile {
  std::string target, content;
};

// An executable file /dev/pipes/NAME.
struct SandboxScript {
  std::string name, content;
};

struct TerminalSize {
  uint16_t rows, columns;
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
  std::vector<SandboxScript> scripts;
  // Parents before what lies below them, each target once.
  std::vector<SandboxMount> mounts;
  // /sys and its control groups are not read-only, and the capabilities are inherited by whatever is executed.
  bool insecure = false;
  bool has_input = false;
  // The command has a terminal of this size, in place of pipes.
  std::optional<TerminalSize> terminal;

  // The directories of all layers, of the root and of mounts, each once: those of the root first.
  std::vector<std::string> directories() const;
};

// "ROWS COLUMNS". Fails with EINVAL.
TerminalSize parse_terminal_size(std::string_view text);

// Reads the frames of its mounts too. Fails with EINVAL on anything malformed or contradictory.
SandboxRequest receive_sandbox_request(const Fields& fields, Channel& channel);

} // namespace tbuild
