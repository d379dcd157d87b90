// ReprPrint: any value as text. A text is written once; further mentions of the object copy it.
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/device.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/extra/dataclass.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libffi_core/big_int.h"
#include "libffi_core/extra/object_graph.h"
#include "libffi_core/global_def.h"
#include "libffi_core/object_handle.h"

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Bytes;
using tvm::ffi::Function;
using tvm::ffi::String;

template <typename... Args>
std::string Format(const char* format, Args... args) {
  char buffer[64];
  std::snprintf(buffer, sizeof(buffer), format, args...);
  return buffer;
}

const char* DeviceName(int32_t device_type) {
  switch (device_type) {
    case kDLCPU:
      return "cpu";
    case kDLCUDA:
      return "cuda";
    case kDLCUDAHost:
      return "cuda_host";
    case kDLOpenCL:
      return "opencl";
    case kDLVulkan:
      return "vulkan";
    case kDLMetal:
      return "metal";
    case kDLVPI:
      return "vpi";
    case kDLROCM:
      return "rocm";
    case kDLROCMHost:
      return "rocm_host";
    case kDLExtDev:
      return "ext_dev";
    case kDLCUDAManaged:
      return "cuda_managed";
    case kDLOneAPI:
      return "oneapi";
    case kDLWebGPU:
      return "webgpu";
    case kDLHexagon:
      return "hexagon";
    case kDLMAIA:
      return "maia";
    case kDLTrn:
      return "trn";
    default:
      return "unknown";
  }
}

std::string DeviceText(DLDevice device) {
  return std::string(DeviceName(static_cast<int32_t>(device.device_type))) + ":" +
         std::to_string(device.device_id);
}

std::string BytesText(const Bytes& bytes) {
  std::string out = "b\"";
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes.data()[i]);
    if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
      out += static_cast<char>(byte);
    } else {
      out += Format("\\x%02x", byte);
    }
  }
  return out + "\"";
}

std::string ExtentsText(tvm::ffi::ShapeView shape) {
  std::string out;
  for (const int64_t extent : shape) {
    if (!out.empty()) out += ", ";
    out += std::to_string(extent);
  }
  return out;
}

std::string TensorText(const tvm::ffi::Tensor& tensor) {
  return std::string(tvm::ffi::DLDataTypeToString(tensor.dtype())) + "[" +
         ExtentsText(tensor.shape()) + "]@" + DeviceText(tensor.device());
}

std::string LeafText(const Any& value) {
  const TVMFFIAny& raw = RawOf(value);
  switch (raw.type_index) {
    case kTVMFFINone:
      return "None";
    case kTVMFFIBool:
      return raw.v_int64 != 0 ? "True" : "False";
    case kTVMFFIInt:
      return std::to_string(raw.v_int64);
    case kTVMFFIBigInt:
      return DecimalOfBigInt(BigIntWords(raw));
    case kTVMFFIFloat:
      return Format("%g", raw.v_float64);
    case kTVMFFIDataType:
      return tvm::ffi::DLDataTypeToString(raw.v_dtype);
    case kTVMFFIDevice:
      return DeviceText(raw.v_device);
    case kTVMFFISmallStr:
    case kTVMFFIStr:
      return tvm::ffi::EscapedStringPy(value.cast<String>());
    case kTVMFFISmallBytes:
    case kTVMFFIBytes:
      return BytesText(value.cast<Bytes>());
    case kTVMFFIShape:
      return "Shape(" + ExtentsText(value.cast<tvm::ffi::Shape>()) + ")";
    default:
      return value.GetTypeKey();
  }
}

// The two objects that stand for "missing" and "keyword arguments follow".
const char* SentinelText(const Any& value) {
  if (value.type_index() != kTVMFFIObject) return nullptr;
  static const Any missing = Function::GetGlobalRequired("ffi.GetInvalidObject")();
  static const Any keywords = Function::GetGlobalRequired("ffi.GetKwargsObject")();
  if (value.same_as(missing)) return "<MISSING>";
  return value.same_as(keywords) ? "<KWARGS>" : nullptr;
}

// An instance of ffi.Enum or a subclass prints as `<type key>.<name>`.
const TVMFFIFieldInfo* EnumNameField(const TVMFFITypeInfo* type) {
  const TVMFFITypeInfo* base = type->type_depth == 1 ? type : nullptr;
  if (type->type_depth > 1) base = type->type_ancestors[1];
  if (base == nullptr || ViewOf(base->type_key) != "ffi.Enum") return nullptr;
  for (int32_t i = 0; i < base->num_fields; ++i) {
    if (ViewOf(base->fields[i].name) == "_str_index") return &base->fields[i];
  }
  return nullptr;
}

// One ReprPrint and the callbacks that hooks got from it.
class ReprPrinter : public std::enable_shared_from_this<ReprPrinter> {
 public:
  ReprPrinter() {
    const char* setting = std::getenv("TVM_FFI_REPR_WITH_ADDR");
    with_addresses_ = setting != nullptr && std::string_view(setting) == "1";
  }

  String Print(const Any& root) {
    std::string* out = &texts_.emplace_back();
    std::vector<Frame> frames;
    Begin(root, out, &frames);
    while (!frames.empty()) {
      Frame& top = frames.back();
      if (top.cursor.Next()) {
        BeginPart(&top, out);
        Begin(top.cursor.TakeValue(), out, &frames);
      } else {
        End(top, out);
        frames.pop_back();
      }
    }
    return String(*out);
  }

 private:
  struct Frame {
    Any node;
    ChildCursor cursor;
    size_t begin;
    int64_t num_parts = 0;
  };
  // Where an object's text is; no text while it is being written.
  struct Written {
    Any keep_alive;
    const std::string* text = nullptr;
    size_t begin = 0;
    size_t size = 0;
  };

  std::string AddressSuffix(const Any& node) const {
    return with_addresses_ ? Format("@%p", static_cast<void*>(IdentityOf(node))) : std::string();
  }

  void Begin(const Any& value, std::string* out, std::vector<Frame>* frames) {
    if (KindOf(value) == NodeKind::kLeaf) {
      *out += LeafText(value);
      return;
    }
    auto [it, is_new] = written_.try_emplace(IdentityOf(value), Written{value});
    if (!is_new) {
      const Written& earlier = it->second;
      if (earlier.text == nullptr) {
        *out += "..." + AddressSuffix(value);
      } else {
        out->append(*earlier.text, earlier.begin, earlier.size);
      }
      return;
    }
    const size_t begin = out->size();
    if (PrintAtOnce(value, out)) {
      SetWritten(value, *out, begin);
      return;
    }
    frames->push_back(Frame{value, ChildCursor(value, kTVMFFIFieldFlagBitMaskReprOff), begin});
    if (KindOf(value) == NodeKind::kSequence) {
      *out += value.type_index() == kTVMFFIArray ? "(" : "[";
    } else if (KindOf(value) == NodeKind::kMapping) {
      *out += "{";
    } else {
      *out += value.GetTypeKey() + AddressSuffix(value);
    }
  }

  // Objects whose text does not come from their parts.
  bool PrintAtOnce(const Any& value, std::string* out) {
    if (KindOf(value) != NodeKind::kRecord) return false;
    if (std::optional<Function> hook = hook_.Find(value.type_index())) {
      RequireStackForHook("ReprPrint");
      const Function print = Function::FromTyped(
          [self = shared_from_this()](const Any& part) { return self->Print(part); });
      *out += (*hook)(value, print).cast<String>();
    } else if (value.type_index() == kTVMFFITensor) {
      *out += TensorText(value.cast<tvm::ffi::Tensor>()) + AddressSuffix(value);
    } else if (const char* sentinel = SentinelText(value)) {
      *out += sentinel;
    } else if (const auto* name = EnumNameField(TVMFFIGetTypeInfo(value.type_index()))) {
      const Any text = tvm::ffi::reflection::FieldGetter(name)(ObjectOf(value));
      *out += value.GetTypeKey() + "." + std::string(text.cast<String>()) + AddressSuffix(value);
    } else {
      return false;
    }
    return true;
  }

  static void BeginPart(Frame* frame, std::string* out) {
    const NodeKind kind = KindOf(frame->node);
    if (kind == NodeKind::kMapping && frame->num_parts % 2 == 1) {
      *out += ": ";
    } else if (frame->num_parts > 0) {
      *out += ", ";
    } else if (kind == NodeKind::kRecord) {
      *out += "(";
    }
    if (kind == NodeKind::kRecord) {
      out->append(ViewOf(frame->cursor.field()->name)) += "=";
    }
    ++frame->num_parts;
  }

  void End(const Frame& frame, std::string* out) {
    if (KindOf(frame.node) == NodeKind::kRecord) {
      if (frame.num_parts > 0) *out += ")";
    } else {
      if (frame.node.type_index() == kTVMFFIArray) {
        *out += frame.num_parts == 1 ? ",)" : ")";
      } else {
        *out += frame.node.type_index() == kTVMFFIList ? "]" : "}";
      }
      *out += AddressSuffix(frame.node);
    }
    SetWritten(frame.node, *out, frame.begin);
  }

  void SetWritten(const Any& node, const std::string& out, size_t begin) {
    Written& written = written_.at(IdentityOf(node));
    written.text = &out;
    written.begin = begin;
    written.size = out.size() - begin;
  }

  bool with_addresses_;
  TypeHook hook_{tvm::ffi::reflection::type_attr::kRepr};
  // One text per Print: they do not move, `written_` points into them.
  std::deque<std::string> texts_;
  std::unordered_map<const void*, Written> written_;
};

}  // namespace
}  // namespace tvmffi::core

namespace tvm {
namespace ffi {

String ReprPrint(const Any& value) {
  return std::make_shared<tvmffi::core::ReprPrinter>()->Print(value);
}

TVM_FFI_STATIC_INIT_BLOCK() { tvmffi::core::GlobalDef().Typed("ffi.ReprPrint", ReprPrint); }

}  // namespace ffi
}  // namespace tvm
