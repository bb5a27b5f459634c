#include "reuse.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tbuild {

Reuse::Reuse(const Fields& request) {
  auto diff = request.find("reuse");
  if (!diff)
    return;
  listing_ = read_listing_file(std::string(request.get("reuse-listing")));
  earlier_.emplace(std::string(*diff));
  reader_.emplace(listing_);
  if (!reader_->next(next_))
    reader_.reset();
}

const Entry* Reuse::find(const Entry& wanted) {
  while (reader_ && next_.path < wanted.path) {
    if (!reader_->next(next_))
      reader_.reset();
  }
  // A name of an earlier hard-link group but its first may share an inode with what is found for another path.
  bool same = reader_ && next_.path == wanted.path && next_.has_content() && wanted.type == 'f' &&
              next_.sha256 == wanted.sha256 && next_.mode == wanted.mode && next_.uid == wanted.uid &&
              next_.gid == wanted.gid && next_.xattrs == wanted.xattrs;
  return same ? &next_ : nullptr;
}

bool Reuse::link(Tree& diff, const Entry& entry, TarStream* tar, Pump& pump) {
  check_path(entry.path);
  UniqueFd fd(earlier_->open(entry.path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat status;
  if (!fd.valid() || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      static_cast<uint64_t>(status.st_size) != entry.size || status.st_mtim.tv_sec != entry.mtime ||
      !linked_.emplace(status.st_dev, status.st_ino).second)
    return false;
  std::string_view parent = parent_of(entry.path);
  std::string name(name_of(entry.path));
  if (linkat(earlier_->directory(parent), name.c_str(), diff.directory(parent), name.c_str(), 0) != 0)
    return false; // EMLINK, EXDEV, EPERM: the copy says what is really wrong
  if (tar == nullptr)
    return true;
  tar->begin(entry);
  if (entry.size == 0)
    return true;
  if (pump.run(fd.get(), entry.size, {.tar = tar}, entry.path) != entry.size)
    fail("read", EIO, entry.path, "the file of the earlier layer is shorter than its listing says");
  tar->end_content(entry.size);
  return true;
}

} // namespace tbuild
