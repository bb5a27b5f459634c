// An `E` frame of the operation `write`.
#pragma once
#include "entry.h"
#include "file_copier.h"
#include "frame.h"
#include <optional>

namespace tbuild {

struct WriteEntry {
  enum class Kind { directory, file, hardlink, symlink, whiteout, node };
  Kind kind;
  Entry entry;
  bool has_time = false;
  std::string target; // of a hard link: a path in the diff
  std::optional<CopySource> source;
  uint64_t stream_size = 0; // of a file without a source
};

// Checks everything that can be checked without the disk. Fails with EINVAL.
WriteEntry parse_write_entry(const Fields& fields, size_t source_count);

// `root-mode= root-uid= root-gid= root-xattr=`: the root with which a diff begins.
Entry parse_root(const Fields& request);

std::optional<int64_t> parse_seconds(const Fields& fields, std::string_view key);

} // namespace tbuild
