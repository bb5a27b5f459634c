// Standard input of a running command, between the channel and a pipe or terminal that takes it when it likes.
#pragma once
#include "../common/unique_fd.h"
#include "frame.h"
#include <string>
#include <string_view>

namespace tbuild {

// The peer learns what was taken, and sends no more than may wait: so a signal never stands behind input that nobody
// reads.
class SandboxInput {
public:
  // Where `takes` is set and `pipe` is not valid, input waits until open().
  SandboxInput(bool takes, UniqueFd pipe) : is_open_(takes), pipe_(std::move(pipe)) {}

  int fd() const { return pipe_.get(); }
  // Whether more may come.
  bool is_open() const { return is_open_; }
  // Whether there is something to write.
  bool waits() const { return !bytes_.empty(); }

  void open(UniqueFd pipe);
  void add(std::string_view bytes); // fails with EPROTO when the peer sends more than it may
  void end();
  // Writes what is taken now. A command that closed its input, or ended, makes the rest pointless.
  void feed();
  // Adds the fields of a progress event, if there is something to tell.
  bool report(FieldsOut& fields);

private:
  void close();

  bool is_open_;
  UniqueFd pipe_;
  std::string bytes_;
  size_t taken_ = 0;
  enum class Reader { there, gone, reported } reader_ = Reader::there;
};

} // namespace tbuild
