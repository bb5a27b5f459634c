// Copies regular files into a diff, reading each once.
#pragma once
#include "attributes.h"
#include "entry.h"
#include "pump.h"
#include "tree.h"
#include <memory>
#include <optional>
#include <sys/stat.h>
#include <vector>

namespace tbuild {

// What a file looked like when its digest was learnt.
struct Stamps {
  uint64_t size;
  int64_t mtime_ns, ctime_ns;
  bool hold_for(const struct stat& status) const;
};

struct CopySource {
  size_t root = 0;
  std::string path;
  bool digest_known = false; // entry.sha256 holds it
  bool verify = false;
  std::optional<Stamps> expect;
};

class FileCopier {
public:
  FileCopier(Channel& channel, Tree& diff, const std::vector<std::string_view>& source_roots, AttributeTarget& target);

  // Makes the file with its attributes and time; completes `size` and `sha256`; feeds the tar, if there is one.
  // True when the content is not what the caller believed.
  bool copy(const CopySource& source, Entry& entry, TarStream* tar);
  // The source's own modification time, in seconds.
  int64_t source_time(const CopySource& source);
  Pump& pump() { return pump_; }
  size_t source_count() const { return sources_.size(); }

private:
  struct Root {
    explicit Root(std::string path) : tree(std::move(path), Tree::Mounts::cross) {}
    Tree tree;
    bool can_clone = true;
  };
  UniqueFd open_source(const CopySource& source);
  bool clone(Root& root, int from, int to);
  uint64_t copy_in_kernel(int from, int to, uint64_t size, const std::string& path);

  Channel& channel_;
  Tree& diff_;
  AttributeTarget& target_;
  Pump pump_;
  std::vector<std::unique_ptr<Root>> sources_;
};

// Creates an empty file, readable and writable through the descriptor. Fails with `create`.
UniqueFd create_file(Tree& tree, const Entry& entry);

} // namespace tbuild
