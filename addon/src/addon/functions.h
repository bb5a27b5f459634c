// The addon's functions; src/native/addon.ts says what each does.
#pragma once
#include <napi.h>

namespace tbuild {

Napi::Value scan_tree(const Napi::CallbackInfo& info);
Napi::Value hash_files(const Napi::CallbackInfo& info);
Napi::Value lock(const Napi::CallbackInfo& info);
Napi::Value sync_filesystem(const Napi::CallbackInfo& info);
Napi::Value control_socket(const Napi::CallbackInfo& info);
Napi::Value start_operation(const Napi::CallbackInfo& info);
Napi::Value close_descriptor(const Napi::CallbackInfo& info);
Napi::Value make_terminal_raw(const Napi::CallbackInfo& info);
Napi::Value restore_terminal(const Napi::CallbackInfo& info);
Napi::Value probe(const Napi::CallbackInfo& info);
Napi::Function sha256_class(Napi::Env env);

} // namespace tbuild
