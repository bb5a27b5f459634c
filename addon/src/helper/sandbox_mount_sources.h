// What a request mounts, as detached mounts that are then attached to their targets.
#pragma once
#include "sandbox_overlay.h"

namespace tbuild {

// In the order of the request; not valid for a tmpfs. Needs the scratch as the working directory.
std::vector<UniqueFd> make_mount_sources(const SandboxRequest& request, const Overlays& overlays, HandedMounts& handed);

bool is_directory_mount(const SandboxMount& mount, const UniqueFd& source);

// Whether the target lies in an earlier mount of the request, or in /proc, /sys or /dev, going by its path.
bool is_below_mount(const SandboxRequest& request, size_t index);

} // namespace tbuild
