#include "sandbox_relay.h"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace tbuild {
namespace {

constexpr size_t header_size = 8;
constexpr size_t chunk_size = 64 * 1024;
// Input that the command has not read yet, beyond which the channel is left to fill.
constexpr size_t max_pending_input = max_payload;

class Relay {
public:
  Relay(Channel& channel, int control, pid_t init, RelayPipes pipes)
      : channel_(channel.fd()), control_(control), init_(init), pipes_(std::move(pipes)) {}

  SandboxEnd run() {
    try {
      while (!dead_)
        step();
    } catch (...) {
      end_sandbox();
      throw;
    }
    // Whoever might still hold a pipe's other end is outside of the sandbox: what is in the pipes is all there is.
    while (pipes_.output.valid() || pipes_.errors.valid() || sent_ < output_.size())
      drain();
    return std::move(end_);
  }

private:
  void step() {
    bool blocked = sent_ < output_.size();
    // Whoever sees output must have been told before that the command runs.
    bool takes_output = started_ && !blocked;
    pollfd events[5] = {
        {channel_, static_cast<short>(POLLRDHUP | (blocked ? POLLOUT : 0) | (wants_frames() ? POLLIN : 0)), 0},
        {control_, POLLIN, 0},
        {takes_output ? pipes_.output.get() : -1, POLLIN, 0},
        {takes_output ? pipes_.errors.get() : -1, POLLIN, 0},
        {input_.empty() ? -1 : pipes_.input.get(), POLLOUT, 0},
    };
    if (poll(events, 5, -1) < 0)
      return;
    if (events[0].revents & (POLLRDHUP | POLLHUP | POLLERR))
      cancel();
    if (events[0].revents & POLLIN)
      receive_frames();
    if (events[0].revents & POLLOUT)
      send_pending();
    if (events[2].revents)
      forward(pipes_.output, FrameType::stdout_bytes);
    if (events[3].revents)
      forward(pipes_.errors, FrameType::stderr_bytes);
    if (events[4].revents)
      feed_input();
    if (events[1].revents)
      receive_notes();
  }

  void drain() {
    if (sent_ < output_.size()) {
      pollfd event{channel_, POLLOUT | POLLRDHUP, 0};
      if (poll(&event, 1, -1) > 0 && (event.revents & (POLLRDHUP | POLLHUP | POLLERR)))
        _exit(0);
      return send_pending();
    }
    UniqueFd& pipe = pipes_.output.valid() ? pipes_.output : pipes_.errors;
    if (!forward(pipe, pipes_.output.valid() ? FrameType::stdout_bytes : FrameType::stderr_bytes))
      pipe.reset();
  }

  // The peer learns from the end of the stream that nothing of the sandbox is left, so that comes after the wait.
  [[noreturn]] void cancel() {
    end_sandbox();
    _exit(0);
  }

  void end_sandbox() {
    kill(init_, SIGKILL);
    while (waitpid(init_, nullptr, 0) < 0 && errno == EINTR)
      continue;
  }

  // False when nothing is to be read for now, or ever. At most one chunk waits, so a slow peer slows the command down.
  bool forward(UniqueFd& pipe, FrameType type) {
    if (sent_ < output_.size())
      return true;
    output_.resize(header_size + chunk_size);
    ssize_t got = read(pipe.get(), output_.data() + header_size, chunk_size);
    if (got <= 0) {
      output_.clear();
      sent_ = 0;
      if (got == 0 || errno != EAGAIN)
        pipe.reset();
      return false;
    }
    size_t length = static_cast<size_t>(got);
    for (int i = 0; i < 8; i++)
      output_[static_cast<size_t>(i)] = i < 4 ? static_cast<char>(length >> (8 * i)) : '\0';
    output_[4] = static_cast<char>(type);
    output_.resize(header_size + length);
    sent_ = 0;
    send_pending();
    return true;
  }

  void send_pending() {
    while (sent_ < output_.size()) {
      ssize_t sent = send(channel_, output_.data() + sent_, output_.size() - sent_, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno == EAGAIN || errno == EINTR)
          return;
        cancel();
      }
      sent_ += static_cast<size_t>(sent);
    }
  }

  bool wants_frames() const { return input_.size() < max_pending_input; }

  void receive_frames() {
    char bytes[chunk_size];
    ssize_t got = recv(channel_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    if (got <= 0)
      cancel();
    frames_.append(bytes, static_cast<size_t>(got));
    size_t at = 0;
    while (frames_.size() - at >= header_size) {
      size_t length = 0;
      for (size_t i = 0; i < 4; i++)
        length |= static_cast<size_t>(static_cast<unsigned char>(frames_[at + i])) << (8 * i);
      if (length > max_payload)
        fail("protocol", EPROTO, {}, "malformed frame");
      if (frames_.size() - at - header_size < length)
        break;
      handle(static_cast<FrameType>(frames_[at + 4]), std::string_view(frames_).substr(at + header_size, length));
      at += header_size + length;
    }
    frames_.erase(0, at);
  }

  void handle(FrameType type, std::string_view payload) {
    if (type == FrameType::data && takes_input_) {
      if (pipes_.input.valid())
        input_.append(payload);
      feed_input();
    } else if (type == FrameType::end && takes_input_) {
      takes_input_ = false;
      feed_input();
    } else if (type == FrameType::signal) {
      forward_signal(payload);
    } else {
      fail("protocol", EPROTO, {}, "unexpected frame");
    }
  }

  // SIGKILL cannot be passed on by a process that it ends; it ends the sandbox at once.
  void forward_signal(std::string_view text) {
    int number = 0;
    for (char c : text)
      number = c >= '0' && c <= '9' && number < NSIG ? number * 10 + (c - '0') : NSIG;
    if (number <= 0 || number >= NSIG)
      fail("protocol", EINVAL, {}, "not a signal number");
    if (number == SIGKILL)
      kill(init_, SIGKILL);
    else
      send_note(control_, {NoteKind::signal, number});
  }

  // A command that closed its input, or ended, makes the rest of it pointless.
  void feed_input() {
    if (!input_.empty()) {
      ssize_t wrote = write(pipes_.input.get(), input_.data(), input_.size());
      if (wrote > 0)
        input_.erase(0, static_cast<size_t>(wrote));
      else if (errno != EAGAIN && errno != EINTR)
        close_input();
    }
    if (input_.empty() && !takes_input_)
      close_input();
  }

  void close_input() {
    input_.clear();
    pipes_.input.reset();
  }

  void receive_notes() {
    Note note;
    if (!receive_note(control_, note)) {
      while (waitpid(init_, &end_.init_status, 0) < 0 && errno == EINTR)
        continue;
      dead_ = true;
      return;
    }
    if (note.kind == NoteKind::ended)
      end_.command_status = note.value;
    else if (note.kind == NoteKind::failed)
      end_.failed = error_of(note);
    else if (note.kind == NoteKind::exec_failed)
      end_.exec_failed = error_of(note);
    else if (note.kind == NoteKind::starting)
      announce(note.sender);
  }

  // Behind output that waits, since a frame must not be torn.
  void announce(pid_t command) {
    started_ = true;
    FieldsOut fields;
    fields.add("event", "started").add("pid", static_cast<uint64_t>(command));
    const std::string& payload = fields.payload();
    output_.erase(0, sent_);
    sent_ = 0;
    for (int i = 0; i < 8; i++)
      output_.push_back(i < 4 ? static_cast<char>(payload.size() >> (8 * i)) : i == 4 ? 'P' : '\0');
    output_ += payload;
    send_pending();
  }

  int channel_, control_;
  pid_t init_;
  RelayPipes pipes_;
  std::string output_; // frames on their way to the channel
  size_t sent_ = 0;
  std::string frames_; // bytes from the channel that are no whole frame yet
  std::string input_;
  bool takes_input_ = pipes_.input.valid();
  bool started_ = false, dead_ = false;
  SandboxEnd end_;
};

} // namespace

SandboxEnd relay_sandbox(Channel& channel, int control, pid_t init, RelayPipes pipes) {
  return Relay(channel, control, init, std::move(pipes)).run();
}

} // namespace tbuild
