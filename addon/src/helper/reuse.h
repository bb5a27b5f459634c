// Files of an earlier layer that a new one shares instead of copying them again: both names, one inode.
#pragma once
#include "entry.h"
#include "listing.h"
#include "pump.h"
#include "tree.h"
#include <optional>
#include <set>

namespace tbuild {

class Reuse {
public:
  // `reuse=` the earlier layer's diff directory, `reuse-listing=` its listing file.
  explicit Reuse(const Fields& request);
  bool available() const { return earlier_.has_value(); }

  // The earlier file of the same path, content, mode, owner and xattrs. Obligation: ask in the order of paths.
  const Entry* find(const Entry& wanted);
  // Gives it its second name and feeds the tar. False, with nothing done, when it must be copied: another file of this
  // diff is that inode already (the listing knows of no such group), or the file system refuses.
  bool link(Tree& diff, const Entry& entry, TarStream* tar, Pump& pump);

private:
  std::optional<Tree> earlier_;
  std::string listing_;
  std::optional<ListingReader> reader_;
  Entry next_;
  std::set<std::pair<dev_t, ino_t>> linked_;
};

} // namespace tbuild
