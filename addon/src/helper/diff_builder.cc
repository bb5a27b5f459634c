#include "diff_builder.h"
#include "attributes.h"
#include "remove_tree.h"
#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

namespace tbuild {
namespace {

// A default ACL or a set-group-ID bit on the store's directory must not shape what is made below.
std::string make_root(std::string path) {
  if (mkdir(path.c_str(), 0700) != 0)
    fail("mkdir", errno, path);
  removexattr(path.c_str(), "system.posix_acl_default");
  removexattr(path.c_str(), "system.posix_acl_access");
  if (chown(path.c_str(), 0, 0) != 0)
    fail("chown", errno, path);
  if (chmod(path.c_str(), 0700) != 0)
    fail("chmod", errno, path);
  return path;
}

} // namespace

DiffBuilder::DiffBuilder(const Fields& request, Channel& channel)
    : channel_(channel), diff_(make_root(std::string(request.get("diff")))),
      copier_(channel, diff_, request.all("source"), target_), reuse_(request), epoch_(parse_seconds(request, "epoch")),
      now_(time(nullptr)), with_tar_(request.find("tar") != "0"), given_root_(parse_root(request)), root_(given_root_) {
}

void DiffBuilder::add(const Fields& fields) {
  if (stream_)
    fail("protocol", EPROTO, stream_->item->entry.path, "a file's content is incomplete");
  channel_.tick();
  WriteEntry added = parse_write_entry(fields, copier_.source_count());
  set_default_time(added);
  if (added.entry.path.empty()) {
    root_ = std::move(added.entry);
    return;
  }
  if (added.kind == WriteEntry::Kind::hardlink)
    return add_hardlink(added);
  bool is_new = true;
  Item& item = place(added, is_new);
  switch (added.kind) {
  case WriteEntry::Kind::directory:
    if (is_new)
      make_directory(item.entry);
    break;
  case WriteEntry::Kind::file:
    item.inode = std::make_shared<Inode>();
    if (added.source)
      item.inode->source = std::move(added.source);
    else
      begin_stream(item, added.stream_size);
    break;
  case WriteEntry::Kind::symlink:
  case WriteEntry::Kind::node:
    item.inode = std::make_shared<Inode>();
    make_special(item.entry);
    break;
  case WriteEntry::Kind::whiteout:
    make_special(item.entry);
    break;
  case WriteEntry::Kind::hardlink:
    break;
  }
}

void DiffBuilder::set_default_time(WriteEntry& added) {
  if (epoch_) {
    added.entry.mtime = *epoch_;
  } else if (!added.has_time) {
    added.entry.mtime = now_;
    if (added.source && added.source->expect) {
      int64_t ns = added.source->expect->mtime_ns;
      added.entry.mtime = ns / 1'000'000'000 - (ns % 1'000'000'000 < 0);
    } else if (added.source) {
      added.entry.mtime = copier_.source_time(*added.source);
    }
  }
}

// The entry's place in the order. What was there goes, unless both are directories; then `is_new` becomes false.
DiffBuilder::Item& DiffBuilder::place(WriteEntry& added, bool& is_new) {
  std::string path = added.entry.path;
  auto [position, inserted] = items_.try_emplace(path);
  Item& item = position->second;
  if (!inserted) {
    is_new = item.entry.type != 'd' || added.entry.type != 'd';
    if (is_new) {
      remove_tree(diff_.directory(parent_of(path)), std::string(name_of(path)), path, channel_);
      diff_.forget();
      items_.erase(items_.lower_bound(path + '/'), items_.lower_bound(path + char('/' + 1)));
      item = Item();
    } else if (added.entry.parent) {
      return item; // passing through changes nothing of a directory that an entry made
    }
  }
  item.entry = std::move(added.entry);
  return item;
}

// Attributes come last, in finish(): until then nothing below inherits from it and nobody else gets in.
void DiffBuilder::make_directory(const Entry& entry) {
  std::string name(name_of(entry.path));
  if (mkdirat(diff_.directory(parent_of(entry.path)), name.c_str(), 0700) != 0)
    fail("mkdir", errno, entry.path);
}

void DiffBuilder::make_special(const Entry& entry) {
  int parent = diff_.directory(parent_of(entry.path));
  std::string name(name_of(entry.path));
  if (entry.type == 'l') {
    if (symlinkat(entry.link.c_str(), parent, name.c_str()) != 0)
      fail("symlink", errno, entry.path);
  } else {
    mode_t type = entry.type == 'p' ? S_IFIFO : entry.type == 'b' ? S_IFBLK : S_IFCHR;
    if (mknodat(parent, name.c_str(), type | (entry.mode & 0777), makedev(entry.major, entry.minor)) != 0)
      fail("mknod", errno, entry.path);
  }
  if (entry.type == 'w')
    return;
  set_attributes_at(diff_, entry, target_);
  set_time_at(diff_, entry);
}

void DiffBuilder::add_hardlink(WriteEntry& added) {
  auto target = items_.find(added.target);
  if (target == items_.end())
    fail("link", ENOENT, added.entry.path, "the hard link's target " + added.target + " is not in the diff");
  if (target->second.inode == nullptr)
    fail("link", EINVAL, added.entry.path, "the hard link's target " + added.target + " is no file");
  if (added.entry.path == added.target)
    fail("link", EINVAL, added.entry.path, "a hard link to itself");
  Item linked = target->second;
  linked.entry.path = added.entry.path;
  added.entry = linked.entry;
  bool is_new = true;
  Item& item = place(added, is_new);
  // Making room may have taken the target away, if the link replaces a directory above it.
  target = items_.find(added.target);
  if (target == items_.end())
    fail("link", ENOENT, item.entry.path, "the hard link's target was below what it replaces");
  item.inode = linked.inode;
  if (!item.inode->source)
    link(target->second.entry, item.entry);
}

void DiffBuilder::link(const Entry& existing, const Entry& entry) {
  std::string from(name_of(existing.path)), to(name_of(entry.path));
  int from_parent = diff_.directory(parent_of(existing.path));
  if (linkat(from_parent, from.c_str(), diff_.directory(parent_of(entry.path)), to.c_str(), 0) != 0)
    fail("link", errno, entry.path);
}

void DiffBuilder::begin_stream(Item& item, uint64_t size) {
  item.entry.size = size;
  stream_ = Stream{&item, create_file(diff_, item.entry), size, {}};
  if (size == 0)
    end_stream();
}

void DiffBuilder::data(std::string_view bytes) {
  if (!stream_ || bytes.size() > stream_->remaining)
    fail("protocol", EPROTO, stream_ ? stream_->item->entry.path : std::string(), "more content than was announced");
  stream_->hash.update(bytes);
  write_all(stream_->fd.get(), bytes, stream_->item->entry.path);
  stream_->remaining -= bytes.size();
  if (stream_->remaining == 0)
    end_stream();
}

void DiffBuilder::end_stream() {
  Entry& entry = stream_->item->entry;
  entry.sha256 = stream_->hash.digest();
  set_attributes(stream_->fd.get(), entry, true, target_);
  set_time(stream_->fd.get(), entry);
  stream_.reset();
}

} // namespace tbuild
