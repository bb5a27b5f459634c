#include "worker.h"
#include "identity.h"
#include "operations.h"
#include "sandbox.h"
#include <cerrno>
#include <cstring>
#include <new>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

namespace tbuild {

namespace {

void hello(const Options& options, Channel& channel) {
  channel.send(FrameType::result, FieldsOut()
                                      .add("pid", static_cast<uint64_t>(getppid()))
                                      .add("uid-map", read_id_map("/proc/self/uid_map"))
                                      .add("gid-map", read_id_map("/proc/self/gid_map"))
                                      .add("userns", !options.new_userns ? "none"
                                                     : options.single    ? "single"
                                                                         : "map"));
}

constexpr std::pair<std::string_view, void (*)(const Fields&, Channel&)> operations[] = {
    {"write", write_diff},   {"commit", commit_diff},  {"tar", send_tar},    {"read", read_file},
    {"export", export_tree}, {"remove", remove_paths}, {"run", run_sandbox}, {"usage", tree_usage},
};

void perform(const Options& options, Channel& channel) {
  Frame frame;
  if (!channel.receive(frame))
    return;
  if (frame.type != FrameType::request)
    fail("protocol", EPROTO, {}, "the first frame is not a request");
  Fields request(frame.payload);
  std::string_view name = request.get("op");
  if (name == "hello")
    return hello(options, channel);
  if (request.flag("progress"))
    channel.tell_progress();
  for (const auto& [known, operation] : operations) {
    if (name == known)
      return operation(request, channel);
  }
  fail("protocol", EINVAL, {}, "unknown operation: " + std::string(name));
}

// The peer may be in the middle of sending. Closing over unread bytes would turn the answer into ECONNRESET there.
void answer_error(Channel& channel, const OperationError& error) {
  FieldsOut fields;
  fields.add("op", error.op).add("errno", static_cast<uint64_t>(error.error)).add("path", error.path);
  fields.add("message", error.message.empty() ? strerror(error.error) : error.message);
  channel.send(FrameType::error, fields);
  shutdown(channel.fd(), SHUT_WR);
  char scrap[4096];
  while (recv(channel.fd(), scrap, sizeof scrap, 0) > 0)
    continue;
}

} // namespace

void work(UniqueFd socket, pid_t supervisor, const Options& options, const OperationError* start_error) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != supervisor) // it died before the line above
    _exit(1);
  Channel channel(socket.get());
  try {
    if (start_error != nullptr)
      throw OperationError(*start_error);
    perform(options, channel);
  } catch (const OperationError& error) {
    answer_error(channel, error);
  } catch (const std::bad_alloc&) {
    answer_error(channel, {"memory", ENOMEM, {}, {}});
  } catch (const std::exception& error) {
    answer_error(channel, {"internal", EIO, {}, error.what()});
  }
  _exit(0);
}

} // namespace tbuild
