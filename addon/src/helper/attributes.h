// Owner, mode, extended attributes and time of what was made.
#pragma once
#include "entry.h"
#include "tree.h"

namespace tbuild {

// Where the attributes go: an upper directory keeps all of them, as overlayfs names them. Elsewhere (`--output
// type=local`) what the user may not set is counted and left; a file without its owner gets no set-id bits.
struct AttributeTarget {
  bool is_upper = true;
  uint64_t not_set = 0;
};

// chown, chmod (in this order: chown clears set-id bits), then xattrs (chown clears capabilities; an ACL is part of the
// mode). `mode_is_set` says that the file was created with its lower nine bits. Fails with `chown`, `chmod`,
// `setxattr`.
void set_attributes(int fd, const Entry& entry, bool mode_is_set, AttributeTarget& target);
// The same for what cannot be opened: symlinks, devices, fifos. A symlink has no mode.
void set_attributes_at(Tree& tree, const Entry& entry, AttributeTarget& target);

void set_time(int fd, const Entry& entry);
void set_time_at(Tree& tree, const Entry& entry);

} // namespace tbuild
