#include "arguments.h"
#include "functions.h"
#include "task.h"
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace tbuild {
namespace {

class SyncTask : public Task {
public:
  // Owns its descriptor: the caller may close its own meanwhile.
  SyncTask(Napi::Env env, int fd) : Task(env), fd_(fd) {}
  ~SyncTask() override { close(fd_); }

protected:
  void run() override {
    if (syncfs(fd_) != 0)
      failure_ = {errno, "syncfs", {}};
  }
  Napi::Value result(Napi::Env env) override { return env.Undefined(); }

private:
  int fd_;
};

} // namespace

Napi::Value sync_filesystem(const Napi::CallbackInfo& info) {
  auto fd = descriptor_argument(info, 0);
  if (!fd)
    return throw_type_error(info.Env(), "syncFilesystem(fd: number)");
  int own = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
  if (own < 0) {
    auto deferred = Napi::Promise::Deferred::New(info.Env());
    deferred.Reject(to_error(info.Env(), {errno, "syncfs", {}}).Value());
    return deferred.Promise();
  }
  return (new SyncTask(info.Env(), own))->start();
}

} // namespace tbuild
