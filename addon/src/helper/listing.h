// Writing and reading lines of a listing (docs/store-listing.md).
#pragma once
#include "entry.h"

namespace tbuild {

// Two hashes differ in the times alone, so a line comes in three parts.
struct ListingLine {
  std::string before; // up to and with the space before MTIME
  std::string time;   // empty on a whiteout's line
  std::string after;
};

ListingLine to_line(const Entry& entry);

// Parses the text of a listing file, with or without the offset table behind it. Fails with EINVAL.
std::vector<Entry> parse_listing(std::string_view file);

// The same one entry after the other; the text must outlive it.
class ListingReader {
public:
  explicit ListingReader(std::string_view file);
  // False at the end.
  bool next(Entry& entry);

private:
  std::string_view text_;
};

// Fails with `open` and `read`.
std::string read_listing_file(const std::string& path);

} // namespace tbuild
