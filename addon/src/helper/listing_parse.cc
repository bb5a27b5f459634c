#include "../common/hex.h"
#include "../common/unique_fd.h"
#include "frame.h"
#include "listing.h"
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tbuild {
namespace {

constexpr size_t footer_size = 32;
constexpr std::string_view magic = "tbuildL1";

[[noreturn]] void malformed(std::string_view line) {
  fail("listing", EINVAL, {}, "malformed line in a listing: " + std::string(line.substr(0, 200)));
}

// The text of the file, without the offset table and its footer.
std::string_view text_of(std::string_view file) {
  if (file.size() < footer_size || !file.ends_with(magic))
    return file;
  uint64_t length = 0;
  for (int i = 0; i < 8; i++)
    length |= uint64_t(static_cast<unsigned char>(file[file.size() - footer_size + i])) << (8 * i);
  if (length > file.size() - footer_size)
    fail("listing", EINVAL, {}, "a listing's footer is malformed");
  return file.substr(0, length);
}

class LineParser {
public:
  explicit LineParser(std::string_view line) : line_(line), rest_(line) {}

  Entry parse() {
    Entry entry;
    std::string path = unescape(word());
    if (path != ".")
      entry.path = path;
    std::string_view type = word();
    if (type.size() != 1 || std::string_view("dflcbpw").find(type[0]) == std::string_view::npos)
      malformed(line_);
    entry.type = type[0];
    if (entry.type != 'w') {
      entry.mode = number<uint32_t>(word(), 8);
      entry.uid = number<uint32_t>(word());
      entry.gid = number<uint32_t>(word());
      std::string_view time = word();
      if (time != "-")
        entry.mtime = number<int64_t>(time);
    }
    while (!rest_.empty())
      key(entry, word());
    return entry;
  }

private:
  std::string_view word() {
    if (rest_.empty())
      malformed(line_);
    size_t space = rest_.find(' ');
    std::string_view out = rest_.substr(0, space);
    rest_ = space == std::string_view::npos ? std::string_view() : rest_.substr(space + 1);
    return out;
  }

  template <typename Number> Number number(std::string_view text, int base = 10) {
    Number value{};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size())
      malformed(line_);
    return value;
  }

  std::string unescape(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); i++) {
      if (text[i] != '%') {
        out.push_back(text[i]);
        continue;
      }
      unsigned value = 0;
      if (i + 2 >= text.size() ||
          std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr != text.data() + i + 3)
        malformed(line_);
      out.push_back(static_cast<char>(value));
      i += 2;
    }
    return out;
  }

  void key(Entry& entry, std::string_view item) {
    size_t equals = item.rfind('=');
    if (equals == std::string_view::npos)
      malformed(line_);
    // Link targets may hold `=` themselves; only an xattr's name may, before its hexadecimal value.
    if (!item.starts_with("x:"))
      equals = item.find('=');
    std::string_view name = item.substr(0, equals), value = item.substr(equals + 1);
    if (name == "size") {
      entry.size = number<uint64_t>(value);
    } else if (name == "sha256") {
      auto digest = from_hex(value);
      if (!digest || digest->size() != entry.sha256.size())
        malformed(line_);
      memcpy(entry.sha256.data(), digest->data(), digest->size());
    } else if (name == "link") {
      entry.link = unescape(value);
    } else if (name == "dev") {
      size_t colon = std::min(value.find(':'), value.size() - 1);
      entry.major = number<uint32_t>(value.substr(0, colon));
      entry.minor = number<uint32_t>(value.substr(colon + 1));
    } else if (name == "hard") {
      entry.hard = unescape(value);
    } else if (item == "opaque=1") {
      entry.opaque = true;
    } else if (item == "parent=1") {
      entry.parent = true;
    } else if (name.starts_with("x:")) {
      auto bytes = from_hex(value);
      if (!bytes)
        malformed(line_);
      entry.xattrs.push_back({unescape(name.substr(2)), std::move(*bytes)});
    } else {
      malformed(line_);
    }
  }

  std::string_view line_, rest_;
};

} // namespace

ListingReader::ListingReader(std::string_view file) : text_(text_of(file)) {}

bool ListingReader::next(Entry& entry) {
  if (text_.empty())
    return false;
  size_t end = text_.find('\n');
  if (end == std::string_view::npos)
    malformed(text_);
  entry = LineParser(text_.substr(0, end)).parse();
  text_.remove_prefix(end + 1);
  return true;
}

std::vector<Entry> parse_listing(std::string_view file) {
  ListingReader reader(file);
  std::vector<Entry> entries;
  for (Entry entry; reader.next(entry);)
    entries.push_back(std::move(entry));
  return entries;
}

std::string read_listing_file(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status;
  if (!fd.valid() || fstat(fd.get(), &status) != 0)
    fail("open", errno, path);
  std::string text(static_cast<size_t>(status.st_size), '\0');
  for (size_t done = 0; done < text.size();) {
    ssize_t got = read(fd.get(), text.data() + done, text.size() - done);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      fail("read", got < 0 ? errno : EIO, path);
    done += static_cast<size_t>(got);
  }
  return text;
}

} // namespace tbuild
