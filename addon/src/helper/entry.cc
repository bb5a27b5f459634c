#include "entry.h"
#include <unordered_map>

namespace tbuild {

void set_parent_times(std::vector<Entry*>& entries) {
  struct Newest {
    Entry* parent;
    bool found = false;
  };
  std::unordered_map<std::string_view, Newest> parents;
  for (Entry* entry : entries) {
    if (entry->parent)
      parents.emplace(entry->path, Newest{entry});
  }
  if (parents.empty())
    return;
  for (const Entry* entry : entries) {
    if (entry->parent || entry->type == 'w' || entry->path.empty())
      continue;
    std::string_view path = entry->path;
    do {
      path = parent_of(path);
      auto place = parents.find(path);
      if (place == parents.end())
        continue;
      Newest& newest = place->second;
      if (!newest.found || entry->mtime > newest.parent->mtime)
        newest.parent->mtime = entry->mtime;
      newest.found = true;
    } while (!path.empty());
  }
  for (auto& [path, newest] : parents) {
    if (!newest.found)
      newest.parent->mtime = 0;
  }
}

} // namespace tbuild
