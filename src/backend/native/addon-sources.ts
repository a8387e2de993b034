/**
 * A separate addon that switches stderr off and on: the library prints while the dynamic linker starts it, before any
 * setting of ours can reach it.
 */
export const QUIET = `
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>
static int saved = -1;
static napi_value hush(napi_env, napi_callback_info) {
  if (saved >= 0) return nullptr;
  int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere < 0) return nullptr;
  saved = fcntl(2, F_DUPFD_CLOEXEC, 3);
  if (saved >= 0) dup2(nowhere, 2);
  close(nowhere);
  return nullptr;
}
static napi_value restore(napi_env, napi_callback_info) {
  if (saved < 0) return nullptr;
  dup2(saved, 2);
  close(saved);
  saved = -1;
  return nullptr;
}
NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "hush", NAPI_AUTO_LENGTH, hush, nullptr, &function);
  napi_set_named_property(env, exports, "hush", function);
  napi_create_function(env, "restore", NAPI_AUTO_LENGTH, restore, nullptr, &function);
  napi_set_named_property(env, exports, "restore", function);
  return exports;
}
`;

/**
 * Part of the binding, which runs graphs with TensorFlow's default options: the linker puts these
 * in the place of the two {@link REPLACED} functions. A session takes its options (a ConfigProto)
 * from `session.pb` in the SavedModel's folder where there is one. Where PHASETUNE_TRACE names a
 * file, each run appends its RunMetadata to it, as field 1 of a message. A run that fails frees
 * what it was fed, which the binding forgets. And float32 means float32: by default the library
 * lets cards from Ampere on round what they multiply to TF32, whose 10 bits after the point are
 * hardly more than bfloat16's 7.
 *
 * The module has two functions besides the binding's, whose own entry point has another name
 * ({@link RENAMED}): `newestGraph()` gives the graph of the session that this thread loaded last,
 * and `extendGraph(graph, bytes)` adds a GraphDef's nodes and functions to it. The session takes
 * them over when it is run next; its variables stay.
 */
export const SESSION = `
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#undef napi_register_module_v1
#undef node_api_module_get_api_version_v1
#include <node_api.h>
#include "tensorflow/c/c_api.h"

static thread_local TF_Graph* newest = nullptr;

namespace tsl {
void enable_tensor_float_32_execution(bool enabled);
}
__attribute__((constructor)) static void refuse_tf32() { tsl::enable_tensor_float_32_execution(false); }

static void append_field(const char* path, const TF_Buffer* message) {
  std::string header(1, 0x0a);
  size_t length = message->length;
  for (; length > 127; length >>= 7) header.push_back(static_cast<char>((length & 127) | 128));
  header.push_back(static_cast<char>(length));
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file << header;
  file.write(static_cast<const char*>(message->data), static_cast<std::streamsize>(message->length));
}

extern "C" {
TF_Session* __real_TF_LoadSessionFromSavedModel(const TF_SessionOptions*, const TF_Buffer*, const char*,
                                                const char* const*, int, TF_Graph*, TF_Buffer*, TF_Status*);
TF_Session* __wrap_TF_LoadSessionFromSavedModel(const TF_SessionOptions* options, const TF_Buffer* run_options,
                                                const char* folder, const char* const* tags, int tags_length,
                                                TF_Graph* graph, TF_Buffer* meta_graph, TF_Status* status) {
  newest = graph;
  std::ifstream file(std::string(folder) + "/session.pb", std::ios::binary);
  if (!file)
    return __real_TF_LoadSessionFromSavedModel(options, run_options, folder, tags, tags_length, graph, meta_graph,
                                               status);
  const std::string config((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  TF_SessionOptions* own = TF_NewSessionOptions();
  TF_SetConfig(own, config.data(), config.size(), status);
  TF_Session* session = nullptr;
  if (TF_GetCode(status) == TF_OK)
    session = __real_TF_LoadSessionFromSavedModel(own, run_options, folder, tags, tags_length, graph, meta_graph,
                                                  status);
  TF_DeleteSessionOptions(own);
  return session;
}

void __real_TF_SessionRun(TF_Session*, const TF_Buffer*, const TF_Output*, TF_Tensor* const*, int, const TF_Output*,
                          TF_Tensor**, int, const TF_Operation* const*, int, TF_Buffer*, TF_Status*);
void __wrap_TF_SessionRun(TF_Session* session, const TF_Buffer* options, const TF_Output* inputs,
                          TF_Tensor* const* input_values, int inputs_length, const TF_Output* outputs,
                          TF_Tensor** output_values, int outputs_length, const TF_Operation* const* targets,
                          int targets_length, TF_Buffer* metadata, TF_Status* status) {
  const char* trace = std::getenv("PHASETUNE_TRACE");
  if (trace == nullptr || *trace == 0) {
    __real_TF_SessionRun(session, options, inputs, input_values, inputs_length, outputs, output_values,
                         outputs_length, targets, targets_length, metadata, status);
  } else {
    const char full_trace[] = {8, 3};
    TF_Buffer* traced = TF_NewBufferFromString(full_trace, sizeof(full_trace));
    TF_Buffer* found = TF_NewBuffer();
    __real_TF_SessionRun(session, traced, inputs, input_values, inputs_length, outputs, output_values,
                         outputs_length, targets, targets_length, found, status);
    if (TF_GetCode(status) == TF_OK) append_field(trace, found);
    TF_DeleteBuffer(traced);
    TF_DeleteBuffer(found);
  }
  if (TF_GetCode(status) != TF_OK)
    for (int i = 0; i < inputs_length; i++) TF_DeleteTensor(input_values[i]);
}

napi_value tfjs_register(napi_env env, napi_value exports);
}

static napi_value newest_graph(napi_env env, napi_callback_info) {
  napi_value graph;
  napi_create_external(env, newest, nullptr, nullptr, &graph);
  return graph;
}

static napi_value extend_graph(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value given[2];
  void* graph = nullptr;
  void* bytes = nullptr;
  size_t length = 0;
  napi_get_cb_info(env, info, &count, given, nullptr, nullptr);
  if (count != 2 || napi_get_value_external(env, given[0], &graph) != napi_ok ||
      napi_get_typedarray_info(env, given[1], nullptr, &length, &bytes, nullptr, nullptr) != napi_ok) {
    napi_throw_error(env, nullptr, "extendGraph takes a graph and an array of bytes");
    return nullptr;
  }
  TF_Status* status = TF_NewStatus();
  TF_Buffer* definition = TF_NewBufferFromString(bytes, length);
  TF_ImportGraphDefOptions* options = TF_NewImportGraphDefOptions();
  TF_GraphImportGraphDef(static_cast<TF_Graph*>(graph), definition, options, status);
  if (TF_GetCode(status) != TF_OK) napi_throw_error(env, nullptr, TF_Message(status));
  TF_DeleteImportGraphDefOptions(options);
  TF_DeleteBuffer(definition);
  TF_DeleteStatus(status);
  return nullptr;
}

NAPI_MODULE_INIT() {
  exports = tfjs_register(env, exports);
  napi_value function;
  napi_create_function(env, "newestGraph", NAPI_AUTO_LENGTH, newest_graph, nullptr, &function);
  napi_set_named_property(env, exports, "newestGraph", function);
  napi_create_function(env, "extendGraph", NAPI_AUTO_LENGTH, extend_graph, nullptr, &function);
  napi_set_named_property(env, exports, "extendGraph", function);
  return exports;
}
`;

/** Names of the binding's own sources that are compiled under another one: it is a module in ours. */
export const RENAMED: Readonly<Record<string, string>> = {
  napi_register_module_v1: 'tfjs_register',
  node_api_module_get_api_version_v1: 'tfjs_api_version',
};

/** Functions of TensorFlow whose calls by the binding the linker leads to ours. */
export const REPLACED = ['TF_LoadSessionFromSavedModel', 'TF_SessionRun'];
