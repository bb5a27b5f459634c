#include "tar_stream.h"
#include <algorithm>
#include <cstring>

namespace tbuild {
namespace {

constexpr uint64_t eight_gib = uint64_t(1) << 33;
constexpr uint32_t largest_ustar_id = 2097151;

// POSIX.1-1988 ustar.
struct Header {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
  char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
static_assert(sizeof(Header) == 512);

struct TarEntry {
  std::string name;
  char type = '0';
  uint32_t mode = 0, uid = 0, gid = 0;
  int64_t mtime = 0;
  uint64_t size = 0;
  uint32_t major = 0, minor = 0;
  std::string link;
  const std::vector<Xattr>* xattrs = nullptr;
};

template <size_t size> void put_text(char (&field)[size], std::string_view text) {
  memcpy(field, text.data(), std::min(size, text.size()));
}

// Zero-padded octal digits and a NUL.
template <size_t size> void put_octal(char (&field)[size], uint64_t value) {
  for (size_t i = size - 1; i-- > 0; value >>= 3)
    field[i] = static_cast<char>('0' + (value & 7));
}

void append_header(std::string& out, const TarEntry& entry) {
  Header header{};
  put_text(header.name, entry.name);
  put_octal(header.mode, entry.mode & 07777);
  put_octal(header.uid, entry.uid > largest_ustar_id ? 0 : entry.uid);
  put_octal(header.gid, entry.gid > largest_ustar_id ? 0 : entry.gid);
  put_octal(header.size, entry.size >= eight_gib ? 0 : entry.size);
  bool time_fits = entry.mtime >= 0 && uint64_t(entry.mtime) < eight_gib;
  put_octal(header.mtime, time_fits ? uint64_t(entry.mtime) : 0);
  header.type = entry.type;
  put_text(header.link, entry.link);
  memcpy(header.magic,
         "ustar\0"
         "00",
         8);
  put_octal(header.major, entry.major);
  put_octal(header.minor, entry.minor);
  memset(header.checksum, ' ', sizeof header.checksum);
  unsigned sum = 0;
  for (size_t i = 0; i < sizeof header; i++)
    sum += reinterpret_cast<const unsigned char*>(&header)[i];
  snprintf(header.checksum, sizeof header.checksum, "%06o", sum);
  out.append(reinterpret_cast<const char*>(&header), sizeof header);
}

// "LENGTH KEY=VALUE\n", where LENGTH counts itself.
void append_record(std::string& records, const std::string& key, std::string_view value) {
  size_t rest = key.size() + value.size() + 3;
  size_t length = rest + 1;
  while (length != rest + std::to_string(length).size())
    length = rest + std::to_string(length).size();
  records += std::to_string(length) + " " + key + "=";
  records.append(value);
  records += '\n';
}

bool needs_record(std::string_view text) {
  return text.size() > 100 || std::any_of(text.begin(), text.end(), [](unsigned char byte) { return byte >= 0x80; });
}

std::string pax_records(const TarEntry& entry) {
  std::string records;
  if (needs_record(entry.name))
    append_record(records, "path", entry.name);
  if (needs_record(entry.link))
    append_record(records, "linkpath", entry.link);
  if (entry.size >= eight_gib)
    append_record(records, "size", std::to_string(entry.size));
  if (entry.uid > largest_ustar_id)
    append_record(records, "uid", std::to_string(entry.uid));
  if (entry.gid > largest_ustar_id)
    append_record(records, "gid", std::to_string(entry.gid));
  if (entry.mtime < 0 || uint64_t(entry.mtime) >= eight_gib)
    append_record(records, "mtime", std::to_string(entry.mtime));
  if (entry.xattrs != nullptr) {
    for (const Xattr& xattr : *entry.xattrs)
      append_record(records, "SCHILY.xattr." + xattr.name, xattr.value);
  }
  return records;
}

void append_entry(std::string& out, const TarEntry& entry) {
  std::string records = pax_records(entry);
  if (!records.empty()) {
    std::string_view path = entry.name;
    if (path.ends_with('/'))
      path.remove_suffix(1);
    TarEntry pax;
    pax.name = "PaxHeaders.0/" + std::string(name_of(path).substr(0, 80));
    pax.type = 'x';
    pax.mode = 0644;
    pax.size = records.size();
    append_header(out, pax);
    out += records;
    out.append((512 - records.size() % 512) % 512, '\0');
  }
  append_header(out, entry);
}

std::string beside(std::string_view path, std::string_view name) {
  std::string out(path);
  if (!out.empty())
    out += '/';
  return out.append(name);
}

char tar_type(const Entry& entry) {
  if (!entry.hard.empty())
    return '1';
  switch (entry.type) {
  case 'l':
    return '2';
  case 'c':
    return '3';
  case 'b':
    return '4';
  case 'd':
    return '5';
  case 'p':
    return '6';
  default:
    return '0';
  }
}

} // namespace

std::string tar_headers(const Entry& entry) {
  std::string out;
  TarEntry tar;
  if (entry.type == 'w') {
    tar.name = beside(parent_of(entry.path), ".wh." + std::string(name_of(entry.path)));
    append_entry(out, tar);
    return out;
  }
  tar.name = entry.path.empty() ? "./" : entry.type == 'd' ? entry.path + "/" : entry.path;
  tar.type = tar_type(entry);
  tar.mode = entry.mode;
  tar.uid = entry.uid;
  tar.gid = entry.gid;
  tar.mtime = entry.mtime;
  tar.size = entry.has_content() ? entry.size : 0;
  tar.link = entry.hard.empty() ? entry.link : entry.hard;
  if (tar.type == '3' || tar.type == '4') {
    tar.major = entry.major;
    tar.minor = entry.minor;
  }
  tar.xattrs = &entry.xattrs;
  append_entry(out, tar);
  if (entry.opaque) {
    TarEntry mark;
    mark.name = beside(entry.path, ".wh..wh..opq");
    append_entry(out, mark);
  }
  return out;
}

} // namespace tbuild
