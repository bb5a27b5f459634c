// User and group id maps.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace tbuild {

struct SandboxIdRange {
  uint32_t inside, outside, count;
};

using SandboxIdMap = std::vector<SandboxIdRange>;

// "INSIDE OUTSIDE COUNT[,INSIDE OUTSIDE COUNT…]". Fails with EINVAL.
SandboxIdMap parse_sandbox_id_map(std::string_view text, std::string_view what);

std::optional<uint32_t> outside_id(const SandboxIdMap& map, uint32_t inside);

struct SandboxRequest;

// Writes the maps of a fresh user namespace, through /proc/PID of the process in it.
void write_sandbox_id_maps(pid_t pid, const SandboxRequest& request);

} // namespace tbuild
