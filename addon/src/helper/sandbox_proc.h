// /proc and /sys of a sandbox, and what is hidden or read-only in them.
#pragma once
#include "sandbox_root.h"

namespace tbuild {

// Opens (O_PATH) a directory right below the root that the sandbox mounts its own on. One that is a symlink or no
// directory in the image is refused: an image could otherwise have mounts land elsewhere (CVE-2019-19921,
// CVE-2026-41579).
UniqueFd open_own_directory(int root, const char* name);

void mount_proc(int root);

// Mounts the sysfs of an own network namespace, or else the machine's, read-only. `handed` as in make_root.
void mount_sys(const SandboxRoot& root, const SandboxRequest& request, HandedMounts& handed);

} // namespace tbuild
