#include "file_copier.h"
#include <cerrno>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

namespace tbuild {
namespace {

// Smaller files are not worth an attempt to share their blocks.
constexpr uint64_t clone_size = 128 * 1024;

int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000LL + time.tv_nsec; }

struct stat status_of(int fd, const std::string& path) {
  struct stat status;
  if (fstat(fd, &status) != 0)
    fail("stat", errno, path);
  return status;
}

} // namespace

bool Stamps::hold_for(const struct stat& status) const {
  return static_cast<uint64_t>(status.st_size) == size && nanoseconds(status.st_mtim) == mtime_ns &&
         nanoseconds(status.st_ctim) == ctime_ns;
}

UniqueFd create_file(Tree& tree, const Entry& entry) {
  std::string name(name_of(entry.path));
  int parent = tree.directory(parent_of(entry.path));
  UniqueFd fd(openat(parent, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, entry.mode & 0777));
  if (!fd.valid())
    fail("create", errno, entry.path);
  return fd;
}

FileCopier::FileCopier(Channel& channel, Tree& diff, const std::vector<std::string_view>& source_roots,
                       AttributeTarget& target)
    : channel_(channel), diff_(diff), target_(target), pump_(channel) {
  for (std::string_view root : source_roots)
    sources_.push_back(std::make_unique<Root>(std::string(root)));
}

UniqueFd FileCopier::open_source(const CopySource& source) {
  Tree& tree = sources_[source.root]->tree;
  // Opening a device or a fifo can do things, and a layer may hold any. Where stamps are given a scan saw a file.
  struct stat status;
  std::string name(name_of(source.path));
  if (!source.expect) {
    if (fstatat(tree.directory(parent_of(source.path)), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      fail("open source", errno, source.path);
    if (!S_ISREG(status.st_mode))
      fail("open source", EINVAL, source.path, "the source is not a regular file");
  }
  UniqueFd fd(tree.open(source.path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  if (!fd.valid())
    fail("open source", errno, source.path);
  if (!S_ISREG(status_of(fd.get(), source.path).st_mode))
    fail("open source", EINVAL, source.path, "the source is not a regular file");
  return fd;
}

int64_t FileCopier::source_time(const CopySource& source) {
  struct stat status;
  std::string name(name_of(source.path));
  Tree& tree = sources_[source.root]->tree;
  if (fstatat(tree.directory(parent_of(source.path)), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    fail("open source", errno, source.path);
  return status.st_mtim.tv_sec;
}

bool FileCopier::clone(Root& root, int from, int to) {
  if (!root.can_clone)
    return false;
  if (ioctl(to, FICLONE, from) == 0)
    return true;
  root.can_clone = false;
  return false;
}

uint64_t FileCopier::copy_in_kernel(int from, int to, uint64_t size, const std::string& path) {
  uint64_t done = 0;
  while (done < size) {
    ssize_t part = copy_file_range(from, nullptr, to, nullptr, std::min<uint64_t>(size - done, 64u << 20), 0);
    if (part == 0)
      break;
    if (part < 0 && errno == EINTR)
      continue;
    if (part < 0 && done == 0 && errno != ENOSPC && errno != EDQUOT && errno != EIO)
      return pump_.run(from, size, {.file = to}, path); // not between these file systems
    if (part < 0)
      fail("write", errno, path);
    done += static_cast<uint64_t>(part);
    channel_.advance(static_cast<uint64_t>(part));
  }
  return done;
}

bool FileCopier::copy(const CopySource& source, Entry& entry, TarStream* tar) {
  UniqueFd from = open_source(source);
  struct stat before = status_of(from.get(), source.path);
  uint64_t size = static_cast<uint64_t>(before.st_size);
  bool holds = !source.expect || source.expect->hold_for(before);
  bool hash = !source.digest_known || source.verify || !holds;
  auto believed = entry.sha256;
  UniqueFd to = create_file(diff_, entry);
  bool shared = size >= clone_size && clone(*sources_[source.root], from.get(), to.get());

  Sha256 content;
  std::optional<TarStream> restart; // the tar as it was before this entry
  uint64_t copied = size;
  entry.size = size;
  if (!shared && size <= Pump::capacity()) {
    std::string_view bytes = pump_.read_whole(from.get(), size, source.path);
    entry.size = copied = bytes.size();
    if (tar != nullptr) {
      tar->begin(entry);
      tar->content(bytes);
      tar->end_content(copied);
    }
    if (hash)
      content.update(bytes);
    write_all(to.get(), bytes, entry.path);
  } else if (tar != nullptr || hash) {
    if (tar != nullptr) {
      restart = *tar;
      tar->begin(entry);
    }
    PumpTargets targets{.file = shared ? -1 : to.get(), .content = hash ? &content : nullptr, .tar = tar};
    copied = pump_.run(from.get(), size, targets, source.path);
    if (tar != nullptr)
      tar->end_content(copied);
  } else if (!shared) {
    copied = copy_in_kernel(from.get(), to.get(), size, source.path);
  } else {
    channel_.advance(size);
  }

  bool held = holds && (!source.expect || source.expect->hold_for(status_of(from.get(), source.path)));
  // What was written is the truth from here on; where something else was hashed, or nothing, it is read again.
  if (copied != entry.size || (!held && (shared || !hash))) {
    hash = true;
    entry.size = static_cast<uint64_t>(status_of(to.get(), entry.path).st_size);
    content = Sha256();
    if (restart) {
      *tar = *restart;
      tar->begin(entry);
    }
    lseek(to.get(), 0, SEEK_SET);
    pump_.run(to.get(), entry.size, {.content = &content, .tar = restart ? tar : nullptr}, entry.path);
    if (restart)
      tar->end_content(entry.size);
  }
  if (hash)
    entry.sha256 = content.digest();
  set_attributes(to.get(), entry, true, target_);
  set_time(to.get(), entry);
  return !held || (source.digest_known && (entry.sha256 != believed || copied != size));
}

} // namespace tbuild
