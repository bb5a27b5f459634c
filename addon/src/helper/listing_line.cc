#include "../common/hex.h"
#include "listing.h"

namespace tbuild {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  for (unsigned char byte : text) {
    if (byte > 0x20 && byte < 0x7f && byte != '%') {
      out.push_back(static_cast<char>(byte));
    } else {
      out.push_back('%');
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    }
  }
}

std::string octal(uint32_t value) {
  char digits[16];
  snprintf(digits, sizeof digits, "%o", value);
  return digits;
}

} // namespace

ListingLine to_line(const Entry& entry) {
  ListingLine line;
  if (entry.path.empty())
    line.before = ".";
  else
    append_escaped(line.before, entry.path);
  line.before += ' ';
  line.before += entry.type;
  if (entry.type == 'w') {
    line.after = "\n";
    return line;
  }
  line.before += " " + octal(entry.mode) + " " + std::to_string(entry.uid) + " " + std::to_string(entry.gid) + " ";
  line.time = entry.parent ? "-" : std::to_string(entry.mtime);
  std::string& keys = line.after;
  if (entry.type == 'f') {
    keys += " size=" + std::to_string(entry.size) + " sha256=";
    keys += to_hex({reinterpret_cast<const char*>(entry.sha256.data()), entry.sha256.size()});
  }
  if (entry.type == 'l') {
    keys += " link=";
    append_escaped(keys, entry.link);
  }
  if (entry.type == 'c' || entry.type == 'b')
    keys += " dev=" + std::to_string(entry.major) + ":" + std::to_string(entry.minor);
  if (!entry.hard.empty()) {
    keys += " hard=";
    append_escaped(keys, entry.hard);
  }
  if (entry.opaque)
    keys += " opaque=1";
  if (entry.parent)
    keys += " parent=1";
  for (const Xattr& xattr : entry.xattrs) {
    keys += " x:";
    append_escaped(keys, xattr.name);
    keys += "=" + to_hex(xattr.value);
  }
  keys += '\n';
  return line;
}

} // namespace tbuild
