// Makes a diff directory from entries in any order (operation `write`).
#pragma once
#include "diff_report.h"
#include "file_copier.h"
#include "reuse.h"
#include "tree.h"
#include "write_entry.h"
#include <map>
#include <memory>

namespace tbuild {

class DiffBuilder {
public:
  // Creates the directory.
  DiffBuilder(const Fields& request, Channel& channel);

  void add(const Fields& fields);
  // Content of the streamed file that was added last.
  void data(std::string_view bytes);
  // Does what was put off, completes the directories, answers.
  void finish();

private:
  // What several entries may be links to.
  struct Inode {
    std::optional<CopySource> source; // not on disk before finish()
    const Entry* first = nullptr;     // complete, in finish()
    bool reused = false;              // an earlier layer has it
  };
  struct Item {
    Entry entry;
    std::shared_ptr<Inode> inode; // of everything but directories and whiteouts
  };
  struct Stream {
    Item* item;
    UniqueFd fd;
    uint64_t remaining;
    Sha256 hash;
  };
  using Items = std::map<std::string, Item, std::less<>>;

  Item& place(WriteEntry& added, bool& is_new);
  void set_default_time(WriteEntry& added);
  void make_directory(const Entry& entry);
  void make_special(const Entry& entry);
  void add_hardlink(WriteEntry& added);
  void begin_stream(Item& item, uint64_t size);
  void end_stream();
  void link(const Entry& existing, const Entry& entry);
  void find_reused();
  void complete(Item& item, DiffReport& report);
  void feed_tar(const Entry& entry, TarStream& tar);
  void complete_directory(const Entry& entry);

  Channel& channel_;
  AttributeTarget target_;
  Tree diff_;
  FileCopier copier_;
  Reuse reuse_;
  std::optional<int64_t> epoch_;
  int64_t now_;
  bool with_tar_;
  Entry given_root_, root_;
  Items items_;
  std::optional<Stream> stream_;
};

} // namespace tbuild
