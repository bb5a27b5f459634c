#include "sandbox_request.h"
#include "../common/hex.h"
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <unordered_set>

namespace tbuild {
namespace {

// Every id but (uid_t)-1, which set*id calls take as "unchanged".
constexpr uint64_t max_id = 0xfffffffe;

[[noreturn]] void refuse(std::string message) { fail("protocol", EINVAL, {}, std::move(message)); }

std::string unhex(std::string_view text, const char* what) {
  auto bytes = from_hex(text);
  if (!bytes)
    refuse(std::string(what) + " is not hexadecimal");
  return *bytes;
}

bool choice(std::string_view value, std::string_view no, std::string_view yes, const char* what) {
  if (value != no && value != yes)
    refuse(std::string("unknown value of ") + what);
  return value == yes;
}

uint32_t id_of(uint64_t number) {
  if (number > max_id)
    refuse("an id is out of range");
  return static_cast<uint32_t>(number);
}

// TARGET=HEX; the last "=" parts them, since hexadecimal has none.
SandboxFile file_of(std::string_view field) {
  size_t at = field.rfind('=');
  if (at == std::string_view::npos)
    refuse("malformed file");
  return {absolute_path(field.substr(0, at), "file"), unhex(field.substr(at + 1), "file")};
}

// NAME=HEX, as for files.
SandboxScript script_of(std::string_view field) {
  size_t at = field.rfind('=');
  std::string name(field.substr(0, at));
  if (at == std::string_view::npos || name.empty() || name == "." || name == ".." ||
      name.find('/') != std::string::npos)
    refuse("malformed script");
  return {name, unhex(field.substr(at + 1), "script")};
}

std::vector<std::string> strings_of(const Fields& fields, const char* key) {
  auto views = fields.all(key);
  return {views.begin(), views.end()};
}

std::vector<std::string> paths_of(const Fields& fields, const char* key) {
  std::vector<std::string> paths;
  for (auto path : fields.all(key))
    paths.push_back(absolute_path(path, key));
  return paths;
}

void read_identity(const Fields& fields, SandboxRequest& request) {
  if (auto userns = fields.find("userns"))
    request.own_userns = choice(*userns, "host", "own", "userns");
  request.idmap = fields.flag("idmap");
  request.single = fields.flag("single");
  if (!request.own_userns) {
    if (request.idmap || request.single || fields.find("uid-map") || fields.find("gid-map"))
      refuse("userns=host goes with no id map");
    return;
  }
  request.uid_map = parse_sandbox_id_map(fields.get("uid-map"), "uid-map");
  request.gid_map = parse_sandbox_id_map(fields.get("gid-map"), "gid-map");
}

void read_user(const Fields& fields, SandboxRequest& request) {
  request.uid = id_of(fields.number("uid", 0));
  request.gid = id_of(fields.number("gid", 0));
  for (auto group : fields.all("group")) {
    std::string field = "group=" + std::string(group) + '\0';
    request.groups.push_back(id_of(Fields(field).number("group", 0)));
  }
  request.capabilities = fields.number("caps", 0, 16);
}

void read_mounts(const Fields& fields, SandboxRequest& request) {
  request.layers = distinct_layers(fields.all("layer"));
  if (auto upper = fields.find("upper"))
    request.upper = absolute_path(*upper, "upper");
  request.is_volatile = fields.flag("volatile");
  request.readonly_root = fields.flag("readonly-root");
  request.masked = paths_of(fields, "mask");
  request.readonly = paths_of(fields, "readonly");
  for (auto field : fields.all("file"))
    request.files.push_back(file_of(field));
  for (auto field : fields.all("script"))
    request.scripts.push_back(script_of(field));
}

} // namespace

TerminalSize parse_terminal_size(std::string_view text) {
  TerminalSize size{};
  const char *at = text.data(), *end = text.data() + text.size();
  auto rows = std::from_chars(at, end, size.rows);
  if (rows.ec != std::errc() || rows.ptr == end || *rows.ptr != ' ')
    refuse("malformed size of a terminal");
  auto columns = std::from_chars(rows.ptr + 1, end, size.columns);
  if (columns.ec != std::errc() || columns.ptr != end)
    refuse("malformed size of a terminal");
  return size;
}

std::vector<std::string> SandboxRequest::directories() const {
  std::vector<std::string> all = layers;
  std::unordered_set<std::string> seen(all.begin(), all.end());
  for (const auto& mount : mounts) {
    for (const auto& layer : mount.layers) {
      if (seen.insert(layer).second)
        all.push_back(layer);
    }
  }
  return all;
}

SandboxRequest receive_sandbox_request(const Fields& fields, Channel& channel) {
  SandboxRequest request;
  read_identity(fields, request);
  read_mounts(fields, request);
  read_user(fields, request);
  request.own_network = choice(fields.get("network"), "host", "none", "network");
  request.hostname = fields.find("hostname").value_or("");
  request.arguments = strings_of(fields, "arg");
  if (request.arguments.empty())
    refuse("there is no command");
  request.environment = strings_of(fields, "env");
  request.cwd = absolute_path(fields.find("cwd").value_or("/"), "cwd");
  request.cwd_of_user = choice(fields.find("cwd-owner").value_or("root"), "root", "user", "cwd-owner");
  request.insecure = fields.flag("insecure");
  request.has_input = fields.flag("stdin");
  if (auto size = fields.find("tty"))
    request.terminal = parse_terminal_size(*size);
  request.mounts = receive_mounts(channel, fields.number("mounts", 0));
  for (const auto& mount : request.mounts) {
    bool needs_job = mount.type == MountType::socket || (mount.type == MountType::layers && mount.writable);
    if (needs_job && !request.upper)
      refuse("a mount needs a job directory");
  }
  return request;
}

} // namespace tbuild
