#include "attributes.h"
#include "diff_builder.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/xattr.h>

namespace tbuild {

void DiffBuilder::finish() {
  if (stream_)
    fail("protocol", EPROTO, stream_->item->entry.path, "a file's content is incomplete");
  if (reuse_.available())
    find_reused();
  std::vector<Entry*> entries;
  entries.reserve(items_.size());
  for (auto& [path, item] : items_)
    entries.push_back(&item.entry);
  set_parent_times(entries);

  DiffReport report(channel_, with_tar_);
  bool root_changed = root_.mode != given_root_.mode || root_.uid != given_root_.uid || root_.gid != given_root_.gid ||
                      root_.xattrs != given_root_.xattrs || root_.opaque;
  if (root_changed) {
    if (report.tar() != nullptr)
      report.tar()->begin(root_);
    report.add(root_);
  }
  for (auto& [path, item] : items_) {
    channel_.tick();
    complete(item, report);
  }
  // Children first, although only content changes a directory's time and all of that is done.
  for (auto item = items_.rbegin(); item != items_.rend(); ++item) {
    if (item->second.entry.type == 'd')
      complete_directory(item->second.entry);
  }
  if (!root_changed)
    root_.mtime = epoch_.value_or(now_);
  complete_directory(root_);
  report.finish();
}

// What is shared keeps its earlier time, which directories passed through take on: so it is decided before all else.
void DiffBuilder::find_reused() {
  for (auto& [path, item] : items_) {
    // The names of a group have one time.
    if (item.inode.use_count() != 1 || !item.inode->source || !item.inode->source->digest_known)
      continue;
    const Entry* earlier = reuse_.find(item.entry);
    if (earlier == nullptr || (epoch_ && earlier->mtime != *epoch_))
      continue;
    item.entry.mtime = earlier->mtime;
    item.entry.size = earlier->size;
    item.inode->reused = true;
  }
}

void DiffBuilder::complete(Item& item, DiffReport& report) {
  Entry& entry = item.entry;
  bool is_first = item.inode == nullptr || item.inode->first == nullptr;
  if (!is_first) {
    const Entry& first = *item.inode->first;
    entry.size = first.size;
    entry.sha256 = first.sha256;
    entry.hard = first.path;
    if (item.inode->source)
      link(first, entry);
  }
  if (is_first && item.inode != nullptr && item.inode->source) {
    bool shared = item.inode->reused && reuse_.link(diff_, entry, report.tar(), copier_.pump());
    if (!shared && copier_.copy(*item.inode->source, entry, report.tar()))
      report.changed(entry);
  } else if (report.tar() != nullptr) {
    feed_tar(entry, *report.tar());
  }
  if (is_first && item.inode != nullptr)
    item.inode->first = &entry;
  report.add(entry);
}

// Streamed content came in another order than the tar's, so it is read again.
void DiffBuilder::feed_tar(const Entry& entry, TarStream& tar) {
  tar.begin(entry);
  if (!entry.has_content() || entry.size == 0)
    return;
  UniqueFd fd(diff_.open(entry.path, O_RDONLY));
  if (!fd.valid())
    fail("open", errno, entry.path);
  if (copier_.pump().run(fd.get(), entry.size, {.tar = &tar}, entry.path) != entry.size)
    fail("read", EIO, entry.path, "the file became shorter");
  tar.end_content(entry.size);
}

void DiffBuilder::complete_directory(const Entry& entry) {
  UniqueFd fd(diff_.open(entry.path, O_RDONLY | O_DIRECTORY));
  if (!fd.valid())
    fail("open", errno, entry.path);
  set_attributes(fd.get(), entry, false, target_);
  if (entry.opaque && fsetxattr(fd.get(), "user.overlay.opaque", "y", 1, 0) != 0)
    fail("setxattr", errno, entry.path, "cannot mark the directory opaque");
  set_time(fd.get(), entry);
}

} // namespace tbuild
