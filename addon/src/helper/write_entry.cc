#include "write_entry.h"
#include "../common/hex.h"
#include "tree.h"
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace tbuild {
namespace {

[[noreturn]] void refuse(std::string_view path, const char* why) { fail("entry", EINVAL, std::string(path), why); }

template <typename Number> bool parse(std::string_view text, Number& out) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

std::vector<Xattr> parse_xattrs(const Fields& fields, std::string_view key, std::string_view path) {
  std::vector<Xattr> out;
  for (std::string_view item : fields.all(key)) {
    size_t equals = item.rfind('=');
    auto value = equals == std::string_view::npos ? std::nullopt : from_hex(item.substr(equals + 1));
    if (!value || !is_layer_xattr(item.substr(0, equals)))
      refuse(path, "malformed extended attribute, or not one that a layer carries");
    std::string name(item.substr(0, equals));
    out.push_back({name, normalised_xattr(name, std::move(*value))});
  }
  std::sort(out.begin(), out.end(), [](const Xattr& a, const Xattr& b) { return a.name < b.name; });
  return out;
}

uint32_t parse_id(const Fields& fields, std::string_view key, std::string_view path) {
  uint64_t id = fields.number(key, 0);
  if (id >= UINT32_MAX) // -1 would mean "leave as it is" to chown
    refuse(path, "an id is out of range");
  return static_cast<uint32_t>(id);
}

void parse_attributes(const Fields& fields, WriteEntry& out) {
  Entry& entry = out.entry;
  uint64_t mode = fields.number("mode", 0, 8);
  if (mode > 07777)
    refuse(entry.path, "a mode has more than the bits 07777");
  entry.mode = entry.type == 'l' ? 0777 : static_cast<uint32_t>(mode); // Linux knows no other mode of symlinks
  entry.uid = parse_id(fields, "uid", entry.path);
  entry.gid = parse_id(fields, "gid", entry.path);
  entry.xattrs = parse_xattrs(fields, "xattr", entry.path);
  if (auto time = parse_seconds(fields, "mtime")) {
    entry.mtime = *time;
    out.has_time = true;
  }
}

Stamps parse_stamps(std::string_view text, std::string_view path) {
  Stamps stamps{};
  size_t first = text.find(':'), second = text.find(':', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos ||
      !parse(text.substr(0, first), stamps.size) ||
      !parse(text.substr(first + 1, second - first - 1), stamps.mtime_ns) ||
      !parse(text.substr(second + 1), stamps.ctime_ns))
    refuse(path, "malformed expect");
  return stamps;
}

void parse_content(const Fields& fields, size_t source_count, WriteEntry& out) {
  if (!fields.find("from")) {
    fields.get("size");
    out.stream_size = fields.number("size", 0);
    return;
  }
  CopySource source;
  source.root = fields.number("from", 0);
  source.path = fields.get("source-path");
  source.verify = fields.flag("verify");
  if (source.root >= source_count)
    refuse(out.entry.path, "no source root has this number");
  check_path(source.path);
  if (auto text = fields.find("sha256")) {
    auto digest = from_hex(*text);
    if (!digest || digest->size() != out.entry.sha256.size())
      refuse(out.entry.path, "malformed sha256");
    memcpy(out.entry.sha256.data(), digest->data(), digest->size());
    source.digest_known = true;
  }
  if (auto text = fields.find("expect"))
    source.expect = parse_stamps(*text, out.entry.path);
  out.source = std::move(source);
}

struct TypeName {
  std::string_view name;
  WriteEntry::Kind kind;
  char type;
};

constexpr TypeName type_names[] = {
    {"directory", WriteEntry::Kind::directory, 'd'}, {"parent", WriteEntry::Kind::directory, 'd'},
    {"file", WriteEntry::Kind::file, 'f'},           {"hardlink", WriteEntry::Kind::hardlink, 'f'},
    {"symlink", WriteEntry::Kind::symlink, 'l'},     {"whiteout", WriteEntry::Kind::whiteout, 'w'},
    {"character", WriteEntry::Kind::node, 'c'},      {"block", WriteEntry::Kind::node, 'b'},
    {"fifo", WriteEntry::Kind::node, 'p'},
};

} // namespace

std::optional<int64_t> parse_seconds(const Fields& fields, std::string_view key) {
  auto text = fields.find(key);
  if (!text)
    return std::nullopt;
  int64_t seconds = 0;
  if (!parse(*text, seconds))
    fail("protocol", EINVAL, {}, "the field " + std::string(key) + " is not a number of seconds");
  return seconds;
}

Entry parse_root(const Fields& request) {
  Entry root;
  root.type = 'd';
  root.mode = static_cast<uint32_t>(request.number("root-mode", 0755, 8)) & 07777;
  root.uid = parse_id(request, "root-uid", "/");
  root.gid = parse_id(request, "root-gid", "/");
  root.xattrs = parse_xattrs(request, "root-xattr", "/");
  return root;
}

WriteEntry parse_write_entry(const Fields& fields, size_t source_count) {
  WriteEntry out;
  std::string_view path = fields.get("path"), type = fields.get("type");
  auto known = std::find_if(std::begin(type_names), std::end(type_names),
                            [&](const TypeName& candidate) { return candidate.name == type; });
  if (known == std::end(type_names))
    refuse(path, "unknown type of entry");
  out.kind = known->kind;
  out.entry.type = known->type;
  out.entry.parent = type == "parent";
  if (path != "." || type != "directory") { // the root alone has the name `.`
    check_path(path);
    check_layer_path(path);
    out.entry.path = path;
  }
  if (out.kind == WriteEntry::Kind::hardlink) {
    out.target = fields.get("link");
    check_path(out.target);
    return out;
  }
  if (out.kind == WriteEntry::Kind::whiteout)
    return out;
  parse_attributes(fields, out);
  if (out.kind == WriteEntry::Kind::directory)
    out.entry.opaque = fields.flag("opaque");
  if (out.kind == WriteEntry::Kind::symlink) {
    out.entry.link = fields.get("link");
    if (out.entry.link.empty() || out.entry.link.size() > 4095)
      refuse(path, "a symlink's target is empty or longer than 4095 bytes");
  }
  if (out.entry.type == 'c' || out.entry.type == 'b') {
    uint64_t major = fields.number("major", UINT64_MAX), minor = fields.number("minor", UINT64_MAX);
    if (major > 4095 || minor > 1048575)
      refuse(path, "a device number is missing or out of range");
    if (out.entry.type == 'c' && major == 0 && minor == 0)
      refuse(path, "a character device 0:0 is a whiteout to overlayfs");
    out.entry.major = static_cast<uint32_t>(major);
    out.entry.minor = static_cast<uint32_t>(minor);
  }
  if (out.kind == WriteEntry::Kind::file)
    parse_content(fields, source_count, out);
  return out;
}

} // namespace tbuild
