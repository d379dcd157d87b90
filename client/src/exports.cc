// What the library offers to every language that speaks the ABI: load it as a module and call these
// by name.
#include <tvm/ffi/c_api.h>

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "client/src/options.h"
#include "client/src/process_state.h"
#include "client/src/remote_module.h"
#include "client/src/session_object.h"
#include "client/src/shared_tensor.h"
#include "proto/wire/unix_path.h"

namespace tvmffi::host {
namespace {

struct Arguments {
  const TVMFFIAny* values;
  int32_t count;

  // None for one that was left out.
  TVMFFIAny operator[](int32_t index) const { return index < count ? values[index] : NoneAny(); }
};

Failure BadArgument(const char* function, int index, const char* expected) {
  return MakeError("TypeError", std::string("argument ") + std::to_string(index) + " of " +
                                    function + " must be " + expected);
}

// No exception may leave through the ABI.
template <typename Body>
int Protect(const char* name, const TVMFFIAny* args, int32_t num_args, int32_t max_args,
            Body body) {
  try {
    if (num_args > max_args) {
      return Raise(MakeError("TypeError", std::string(name) + " takes at most " +
                                              std::to_string(max_args) + " arguments, got " +
                                              std::to_string(num_args)));
    }
    Failure failure = body(Arguments{args, num_args});
    return failure ? Raise(std::move(failure)) : 0;
  } catch (const std::exception& error) {
    return Raise(MakeError("InternalError", std::string(name) + ": " + error.what()));
  }
}

Failure LoadModule(const Arguments& args, TVMFFIAny* result) {
  LoadRequest request;
  if (Status parsed = ParseLoadRequest(args[0], args[1], &request); !parsed.ok())
    return MakeError(parsed);
  std::shared_ptr<WorkerSlot> slot = request.worker;
  if (slot == nullptr) {
    if (request.session == nullptr) {
      Result<std::shared_ptr<Session>> session = Session::Default();
      if (!session.ok()) return MakeError(kUnavailable, session.status().message);
      request.session = *session;
    }
    slot = request.session->FindSharing(request.slot, request.spec->path);
  }
  if (slot == nullptr) {
    slot = std::make_shared<WorkerSlot>(request.session, std::move(request.slot));
    request.session->Add(slot);
  } else if (request.session != nullptr && request.session.get() != slot->session()) {
    return MakeError("ValueError", "options 'worker' and 'session' name different sessions");
  }
  uint32_t index = 0;
  if (Failure failure = slot->Load(std::move(request.spec), &index)) return failure;
  Status made = MakeRemoteModule(std::make_shared<RemoteReference>(slot, index), result);
  return made.ok() ? Failure() : MakeError(made);
}

Failure OpenSession(const Arguments& args, TVMFFIAny* result) {
  SessionOptions options;
  if (Status parsed = ParseSessionOptions(args[0], &options); !parsed.ok())
    return MakeError(parsed);
  Result<std::shared_ptr<Session>> session = Session::Open(std::move(options));
  if (!session.ok()) return MakeError(kUnavailable, session.status().message);
  *result = MakeSessionObject(std::move(*session)).release();
  return {};
}

Failure CloseSession(const Arguments& args) {
  std::shared_ptr<Session> session = SessionOf(args[0]);
  if (session == nullptr) return BadArgument("close_session", 0, "a session");
  session->Close();
  return {};
}

bool GetShape(const TVMFFIAny& value, std::vector<int64_t>* shape) {
  if (value.type_index == kTVMFFIInt) {
    shape->push_back(value.v_int64);
    return true;
  }
  if (value.type_index == kTVMFFIShape) {
    const TVMFFIShapeCell* cell = TVMFFIShapeGetCellPtr(value.v_obj);
    shape->assign(cell->data, cell->data + cell->size);
    return true;
  }
  if (value.type_index != kTVMFFIArray && value.type_index != kTVMFFIList) return false;
  const auto* cell = reinterpret_cast<const TVMFFISeqCell*>(
      reinterpret_cast<const char*>(value.v_obj) + sizeof(TVMFFIObject));
  for (int64_t i = 0; i < cell->size; ++i) {
    const TVMFFIAny& extent = static_cast<const TVMFFIAny*>(cell->data)[i];
    if (extent.type_index != kTVMFFIInt) return false;
    shape->push_back(extent.v_int64);
  }
  return true;
}

Failure GetDataType(const TVMFFIAny& value, DLDataType* dtype) {
  if (value.type_index == kTVMFFIDataType) {
    *dtype = value.v_dtype;
    return {};
  }
  std::string text;
  if (!GetText(value, &text)) return BadArgument("empty", 1, "a dtype or its name");
  const TVMFFIByteArray bytes = ToByteArray(text);
  return TVMFFIDataTypeFromString(&bytes, dtype) == 0 ? Failure() : TakeRaised();
}

bool GetGuard(const TVMFFIAny& value, Guard* guard) {
  if (value.type_index == kTVMFFINone) return true;
  std::string text;
  if (!GetText(value, &text)) return false;
  if (text == "left") *guard = Guard::kLeft;
  return text == "left" || text == "right";
}

const RemoteReference* ReferenceOf(const TVMFFIAny& value) {
  return value.type_index >= kTVMFFIStaticObjectBegin ? FindRemoteReference(value.v_obj) : nullptr;
}

Failure Empty(const Arguments& args, TVMFFIAny* result) {
  std::vector<int64_t> shape;
  DLDataType dtype;
  if (!GetShape(args[0], &shape)) return BadArgument("empty", 0, "a shape");
  if (Failure failure = GetDataType(args[1], &dtype)) return failure;
  Guard guard = Guard::kRight;
  if (!GetGuard(args[3], &guard)) return BadArgument("empty", 3, "\"left\" or \"right\"");
  if (args[2].type_index == kTVMFFINone) {
    Status made = MakeSharedTensor(shape, dtype, guard, result);
    return made.ok() ? Failure() : MakeError(made);
  }
  const RemoteReference* reference = ReferenceOf(args[2]);
  std::shared_ptr<WorkerSlot> slot = reference != nullptr ? reference->slot() : nullptr;
  if (slot == nullptr) return BadArgument("empty", 2, "a hosted module");
  if (args[3].type_index != kTVMFFINone) {
    return BadArgument("empty", 3,
                       "None for a tensor of a module's pool, which has no guard pages");
  }
  return MakePoolTensor(slot, slot->module(reference->module().value_or(0)), shape, dtype, result);
}

const DLTensor* TensorOf(const TVMFFIAny& value) {
  if (value.type_index == kTVMFFITensor) return TVMFFITensorGetDLTensorPtr(value.v_obj);
  return value.type_index == kTVMFFIDLTensorPtr ? static_cast<const DLTensor*>(value.v_ptr)
                                                : nullptr;
}

Failure CopyTensor(const char* name, Status (*copy)(const DLTensor&, TVMFFIAny*),
                   const Arguments& args, TVMFFIAny* result) {
  const DLTensor* tensor = TensorOf(args[0]);
  if (tensor == nullptr) return BadArgument(name, 0, "a tensor");
  Status made = copy(*tensor, result);
  return made.ok() ? Failure() : MakeError(made);
}

void SetTotals(MapMaker* map, const Totals& totals) {
  map->SetInt("calls", totals.calls);
  map->SetInt("callbacks", totals.callbacks);
  map->SetInt("errors", totals.errors);
  map->SetInt("bytes_copied_in", totals.bytes_copied_in);
  map->SetInt("bytes_copied_out", totals.bytes_copied_out);
  map->SetInt("zero_copy_tensors", totals.zero_copy_tensors);
  map->SetInt("staged_tensors", totals.staged_tensors);
  map->SetInt("workers_started", totals.workers_started);
  map->SetInt("workers_died", totals.workers_died);
  map->SetInt("daemons_started", totals.daemons_started);
}

Failure GetStats(TVMFFIAny* result) {
  Totals totals;
  SumCounters(&totals);
  MapMaker map;
  SetTotals(&map, totals);
  *result = map.Finish().release();
  return {};
}

Failure SessionInfo(const Arguments& args, TVMFFIAny* result) {
  std::shared_ptr<Session> session = SessionOf(args[0]);
  if (session == nullptr) return BadArgument("session_info", 0, "a session");
  Result<wire::Stats> stats = session->DaemonStats();
  if (!stats.ok()) return MakeError(kUnavailable, stats.status().message);
  MapMaker map;
  map.SetString("daemon", session->DaemonName());
  map.SetInt("daemon_pid", session->daemon_pid());
  map.SetInt("sessions", stats->sessions);
  map.SetInt("workers", stats->workers);
  map.SetInt("workers_created", static_cast<int64_t>(stats->workers_created));
  map.SetInt("workers_died", static_cast<int64_t>(stats->workers_died));
  map.SetInt("prepared", stats->prepared);
  map.SetInt("prepared_used", static_cast<int64_t>(stats->prepared_used));
  map.SetFloat("uptime", static_cast<double>(stats->uptime_us) * 1e-6);
  *result = map.Finish().release();
  return {};
}

std::shared_ptr<WorkerSlot> SlotOf(const TVMFFIAny& value) {
  const RemoteReference* module = ReferenceOf(value);
  return module != nullptr ? module->slot() : nullptr;
}

// Seconds since the worker was asked for, by step; before that for what a prepared one had done.
// The word of the worker, which may say anything.
OwnedAny StartMap(const Worker& worker) {
  const auto since = [&](int64_t nanos) {
    return static_cast<double>(nanos) * 1e-9 - static_cast<double>(worker.asked()) * 1e-9;
  };
  MapMaker map;
  map.SetFloat("created", since(worker.created()));
  for (size_t i = 0; i < kStartSteps; ++i) {
    const int64_t at = worker.start_times().at(static_cast<StartStep>(i));
    if (at != 0) map.SetFloat(kStartStepNames[i], since(at));
  }
  if (worker.answered() != 0) map.SetFloat("answered", since(worker.answered()));
  return map.Finish();
}

Failure WorkerInfo(const Arguments& args, TVMFFIAny* result) {
  std::shared_ptr<WorkerSlot> slot = SlotOf(args[0]);
  if (slot == nullptr) return BadArgument("worker_info", 0, "a hosted module");
  std::shared_ptr<Worker> worker = slot->current();
  MapMaker map;
  map.SetString("modules", slot->Label());
  std::string layers;
  if (worker != nullptr) {
    for (const std::string& layer : worker->layers()) layers += (layers.empty() ? "" : " ") + layer;
  }
  map.SetString("layers", layers);
  map.SetBool("alive", worker != nullptr && worker->Alive());
  map.SetInt("pid", worker != nullptr ? worker->pid() : 0);
  map.SetInt("generation", static_cast<int64_t>(slot->generation()));
  map.SetInt("deaths_in_a_row", slot->deaths());
  map.SetInt("daemon_pid", slot->session()->daemon_pid());
  map.SetString("daemon", slot->session()->DaemonName());
  map.Set("start", worker != nullptr ? StartMap(*worker) : MapMaker().Finish());
  *result = map.Finish().release();
  return {};
}

Failure Reset(const Arguments& args) {
  std::shared_ptr<WorkerSlot> slot = SlotOf(args[0]);
  if (slot == nullptr) return BadArgument("reset", 0, "a hosted module");
  slot->Reset();
  return {};
}

}  // namespace
}  // namespace tvmffi::host

using namespace tvmffi::host;  // NOLINT(google-build-using-namespace): the ABI wants these names
                               // global

extern "C" {

#define TVMFFI_HOST_EXPORT(name)                                                             \
  TVM_FFI_DLL_EXPORT int __tvm_ffi_##name(void*, const TVMFFIAny* args, int32_t num_args,    \
                                          TVMFFIAny* result);                                \
  int __tvm_ffi_##name([[maybe_unused]] void* self, const TVMFFIAny* args, int32_t num_args, \
                       [[maybe_unused]] TVMFFIAny* result)

/*! \brief load_module(path, options) -> Module */
TVMFFI_HOST_EXPORT(load_module) {
  return Protect("load_module", args, num_args, 2,
                 [&](const Arguments& a) { return LoadModule(a, result); });
}

/*! \brief open_session(options) -> Session */
TVMFFI_HOST_EXPORT(open_session) {
  return Protect("open_session", args, num_args, 1,
                 [&](const Arguments& a) { return OpenSession(a, result); });
}

/*! \brief close_session(session) */
TVMFFI_HOST_EXPORT(close_session) {
  return Protect("close_session", args, num_args, 1, CloseSession);
}

/*! \brief session_info(session) -> Map */
TVMFFI_HOST_EXPORT(session_info) {
  return Protect("session_info", args, num_args, 1,
                 [&](const Arguments& a) { return SessionInfo(a, result); });
}

/*! \brief default_socket_path() -> str */
TVMFFI_HOST_EXPORT(default_socket_path) {
  return Protect("default_socket_path", args, num_args, 0, [&](const Arguments&) {
    *result = StringAny(tvmffi::DefaultSocketPath()).release();
    return Failure();
  });
}

/*!
 * \brief empty(shape, dtype, module, guard) -> Tensor; of the module's worker unless that is None,
 *        else in a segment of its own, with its "right" or "left" end against a guard page.
 */
TVMFFI_HOST_EXPORT(empty) {
  return Protect("empty", args, num_args, 4, [&](const Arguments& a) { return Empty(a, result); });
}

/*! \brief as_input(tensor) -> Tensor, a copy no worker can write */
TVMFFI_HOST_EXPORT(as_input) {
  return Protect("as_input", args, num_args, 1, [&](const Arguments& a) {
    return CopyTensor("as_input", &MakeInputTensor, a, result);
  });
}

/*! \brief to_shared(tensor) -> Tensor, a copy workers can write */
TVMFFI_HOST_EXPORT(to_shared) {
  return Protect("to_shared", args, num_args, 1, [&](const Arguments& a) {
    return CopyTensor("to_shared", &CopyToSharedTensor, a, result);
  });
}

/*! \brief is_shared(tensor) -> bool: it can be passed to a worker without a copy */
TVMFFI_HOST_EXPORT(is_shared) {
  return Protect("is_shared", args, num_args, 1, [&](const Arguments& a) {
    const TVMFFIAny tensor = a[0];
    if (TensorOf(tensor) == nullptr) return BadArgument("is_shared", 0, "a tensor");
    *result = BoolAny(IsShared(*TensorOf(tensor)));
    return Failure();
  });
}

/*! \brief stats() -> Map of counters of this process */
TVMFFI_HOST_EXPORT(stats) {
  return Protect("stats", args, num_args, 0, [&](const Arguments&) { return GetStats(result); });
}

/*! \brief report(error or id) -> Map or None */
TVMFFI_HOST_EXPORT(report) {
  return Protect("report", args, num_args, 1, [&](const Arguments& a) {
    *result = ReportOf(a[0]).release();
    return Failure();
  });
}

/*! \brief worker_info(module) -> Map */
TVMFFI_HOST_EXPORT(worker_info) {
  return Protect("worker_info", args, num_args, 1,
                 [&](const Arguments& a) { return WorkerInfo(a, result); });
}

/*! \brief reset(module): closes the circuit breaker of its worker */
TVMFFI_HOST_EXPORT(reset) { return Protect("reset", args, num_args, 1, Reset); }

}  // extern "C"
