#include "sandbox_relay.h"
#include "sandbox_frames.h"
#include "sandbox_input.h"
#include "sandbox_terminal.h"
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

namespace tbuild {
namespace {

constexpr size_t chunk_size = 64 * 1024;

class Relay {
public:
  Relay(Channel& channel, int control, RelayedSandbox sandbox)
      : channel_(channel.fd()), control_(control), init_(sandbox.init), has_terminal_(sandbox.has_terminal),
        output_(std::move(sandbox.pipes.output)), errors_(std::move(sandbox.pipes.errors)),
        input_(sandbox.takes_input, std::move(sandbox.pipes.input)), queue_(channel.fd()) {}

  SandboxEnd run() {
    try {
      while (!dead_)
        step();
    } catch (...) {
      end_sandbox();
      throw;
    }
    // Whoever might still hold a pipe's other end is outside of the sandbox: what is in the pipes is all there is.
    terminal_.reset();
    while (output_.valid() || errors_.valid() || queue_.waits())
      drain();
    return std::move(end_);
  }

private:
  void step() {
    bool blocked = queue_.waits();
    // Whoever sees output must have been told before that the command runs.
    bool takes_output = started_ && !blocked;
    pollfd events[5] = {
        {channel_, static_cast<short>(POLLIN | POLLRDHUP | (blocked ? POLLOUT : 0)), 0},
        {control_, POLLIN, 0},
        {takes_output ? output_.get() : -1, POLLIN, 0},
        {takes_output ? errors_.get() : -1, POLLIN, 0},
        {input_.waits() ? input_.fd() : -1, POLLOUT, 0},
    };
    if (poll(events, 5, -1) < 0)
      return;
    if (events[0].revents & (POLLRDHUP | POLLHUP | POLLERR))
      cancel();
    if (events[0].revents & POLLIN)
      receive_frames();
    if (events[0].revents & POLLOUT)
      send_queue();
    if (events[2].revents)
      forward(output_, FrameType::stdout_bytes);
    if (events[3].revents)
      forward(errors_, FrameType::stderr_bytes);
    if (events[4].revents)
      input_.feed();
    if (events[1].revents)
      receive_notes();
    report_input();
  }

  void drain() {
    if (queue_.waits()) {
      pollfd event{channel_, POLLOUT | POLLRDHUP, 0};
      if (poll(&event, 1, -1) > 0 && (event.revents & (POLLRDHUP | POLLHUP | POLLERR)))
        _exit(0);
      return send_queue();
    }
    UniqueFd& pipe = output_.valid() ? output_ : errors_;
    if (!forward(pipe, output_.valid() ? FrameType::stdout_bytes : FrameType::stderr_bytes))
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

  void send_queue() {
    if (!queue_.send())
      cancel();
  }

  void send(FrameType type, std::string_view payload) {
    queue_.add(type, payload);
    send_queue();
  }

  // False when nothing is to be read for now, or ever. At most one chunk waits, so a slow peer slows the command down.
  bool forward(UniqueFd& pipe, FrameType type) {
    if (queue_.waits())
      return true;
    char bytes[chunk_size];
    ssize_t got = has_terminal_ ? read_whole(pipe.get(), bytes) : read(pipe.get(), bytes, sizeof bytes);
    if (got <= 0) {
      if (got == 0 || errno != EAGAIN)
        pipe.reset();
      return false;
    }
    send(type, {bytes, static_cast<size_t>(got)});
    return true;
  }

  // A terminal gives 4 KiB at a time; one frame for each would cost the peer more than the command's own work.
  static ssize_t read_whole(int terminal, char (&bytes)[chunk_size]) {
    size_t done = 0;
    while (done < sizeof bytes) {
      ssize_t got = read(terminal, bytes + done, sizeof bytes - done);
      if (got <= 0)
        return done > 0 ? static_cast<ssize_t>(done) : got;
      done += static_cast<size_t>(got);
    }
    return static_cast<ssize_t>(done);
  }

  void receive_frames() {
    char bytes[chunk_size];
    ssize_t got = recv(channel_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    if (got <= 0)
      cancel();
    frames_.add({bytes, static_cast<size_t>(got)});
    while (auto frame = frames_.next())
      handle(frame->first, frame->second);
  }

  void handle(FrameType type, std::string_view payload) {
    if (type == FrameType::data && input_.is_open())
      input_.add(payload);
    else if (type == FrameType::end && input_.is_open())
      input_.end();
    else if (type == FrameType::signal)
      forward_signal(payload);
    else if (type == FrameType::window && has_terminal_)
      resize(parse_terminal_size(payload));
    else
      fail("protocol", EPROTO, {}, "unexpected frame");
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

  void resize(TerminalSize size) {
    size_ = size;
    if (terminal_.valid())
      set_terminal_size(terminal_.get(), size);
  }

  void report_input() {
    FieldsOut fields;
    if (!queue_.waits() && input_.report(fields))
      send(FrameType::progress, fields.payload());
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
    else if (note.kind == NoteKind::terminal)
      take_terminal(std::move(note.descriptors));
  }

  void announce(pid_t command) {
    started_ = true;
    FieldsOut fields;
    fields.add("event", "started").add("pid", static_cast<uint64_t>(command));
    send(FrameType::progress, fields.payload());
  }

  // The slave stays open until the sandbox is dead: a master without one reads as ended, though the command may only
  // have closed its terminal to open it again.
  void take_terminal(std::vector<UniqueFd> descriptors) {
    if (descriptors.size() != 2)
      fail("protocol", EPROTO, {}, "a terminal has two ends");
    output_ = std::move(descriptors[0]);
    terminal_ = std::move(descriptors[1]);
    fcntl(output_.get(), F_SETFL, O_NONBLOCK);
    input_.open(UniqueFd(fcntl(output_.get(), F_DUPFD_CLOEXEC, 0)));
    if (size_)
      set_terminal_size(terminal_.get(), *size_);
  }

  int channel_, control_;
  pid_t init_;
  bool has_terminal_;
  UniqueFd output_, errors_, terminal_;
  SandboxInput input_;
  FrameQueue queue_;
  FrameCutter frames_;
  std::optional<TerminalSize> size_;
  bool started_ = false, dead_ = false;
  SandboxEnd end_;
};

} // namespace

SandboxEnd relay_sandbox(Channel& channel, int control, RelayedSandbox sandbox) {
  return Relay(channel, control, std::move(sandbox)).run();
}

} // namespace tbuild
