// Reading a whole directory with few system calls.
#pragma once
#include <dirent.h>
#include <string>
#include <vector>

namespace tbuild {

struct DirectoryEntry {
  std::string name;
  unsigned char type; // DT_…; DT_UNKNOWN on some file systems
  bool operator<(const DirectoryEntry& other) const { return name < other.name; }
};

// Appends the entries but `.` and `..`, unsorted. Returns 0 or an errno.
int read_directory(int fd, std::vector<DirectoryEntry>& out);

} // namespace tbuild
