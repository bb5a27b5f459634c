#include "diff_report.h"
#include "../common/hex.h"
#include "listing.h"
#include <cerrno>

namespace tbuild {

constexpr size_t flush_size = 256 * 1024;

void DiffReport::add(const Entry& entry) {
  ListingLine line = to_line(entry);
  size_t length = line.before.size() + line.time.size() + line.after.size();
  if (length > max_payload)
    fail("listing", E2BIG, entry.path, "the extended attributes are too large");
  if (text_.size() + length > flush_size)
    flush();
  text_.append(line.before).append(line.time).append(line.after);
  state_text_.append(line.before).append(line.time.empty() ? "" : "-").append(line.after);
  entries_++;
  if (entry.has_content())
    size_ += entry.size;
}

void DiffReport::changed(const Entry& entry) {
  channel_.send(FrameType::progress,
                FieldsOut()
                    .add("event", "changed")
                    .add("path", entry.path)
                    .add("sha256", to_hex({reinterpret_cast<const char*>(entry.sha256.data()), entry.sha256.size()}))
                    .add("size", entry.size));
}

void DiffReport::flush() {
  if (text_.empty())
    return;
  listing_.update(text_);
  state_.update(state_text_);
  channel_.send(FrameType::listing, text_);
  text_.clear();
  state_text_.clear();
}

void DiffReport::finish() {
  flush();
  FieldsOut fields;
  fields.add("sha256", listing_.hex_digest()).add("state", state_.hex_digest());
  if (tar_) {
    tar_->finish();
    fields.add("diffid", tar_->hex_digest()).add("tar-size", tar_->size());
  }
  fields.add("size", size_).add("entries", entries_);
  channel_.send(FrameType::result, fields);
}

} // namespace tbuild
