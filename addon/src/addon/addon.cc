#include "functions.h"

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  using namespace tbuild;
  exports.Set("scanTree", Napi::Function::New(env, scan_tree, "scanTree"));
  exports.Set("hashFiles", Napi::Function::New(env, hash_files, "hashFiles"));
  exports.Set("lock", Napi::Function::New(env, lock, "lock"));
  exports.Set("syncFilesystem", Napi::Function::New(env, sync_filesystem, "syncFilesystem"));
  exports.Set("controlSocket", Napi::Function::New(env, control_socket, "controlSocket"));
  exports.Set("startOperation", Napi::Function::New(env, start_operation, "startOperation"));
  exports.Set("closeDescriptor", Napi::Function::New(env, close_descriptor, "closeDescriptor"));
  exports.Set("makeTerminalRaw", Napi::Function::New(env, make_terminal_raw, "makeTerminalRaw"));
  exports.Set("restoreTerminal", Napi::Function::New(env, restore_terminal, "restoreTerminal"));
  exports.Set("probe", Napi::Function::New(env, probe, "probe"));
  exports.Set("Sha256", sha256_class(env));
  return exports;
}

NODE_API_MODULE(tbuild, init)
