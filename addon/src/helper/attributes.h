// Owner, mode, extended attributes and time of what was made.
#pragma once
#include "entry.h"
#include "tree.h"

namespace tbuild {

// The name that an attribute of a listing has on disk in an upper directory: user.overlay.* is overlayfs's own.
std::string name_on_disk(const std::string& name);

// chown, chmod (in this order: chown clears set-id bits), then xattrs (chown clears capabilities; an ACL is part of the
// mode). `mode_is_set` says that the file was created with its lower nine bits. Fails with `chown`, `chmod`, `setxattr`.
void set_attributes(int fd, const Entry& entry, bool mode_is_set);
// The same for what cannot be opened: symlinks, devices, fifos. A symlink has no mode.
void set_attributes_at(Tree& tree, const Entry& entry);

void set_time(int fd, const Entry& entry);
void set_time_at(Tree& tree, const Entry& entry);

} // namespace tbuild
