// ffi.reflection.AccessStep and ffi.reflection.AccessPath: reflection and printed form.
#include <tvm/ffi/function.h>
#include <tvm/ffi/reflection/access_path.h>
#include <tvm/ffi/reflection/registry.h>

#include <string>

namespace tvmffi::core {
namespace {

using tvm::ffi::Any;
using tvm::ffi::Function;
using tvm::ffi::String;
using tvm::ffi::reflection::AccessKind;
using tvm::ffi::reflection::AccessPath;
using tvm::ffi::reflection::AccessPathObj;
using tvm::ffi::reflection::AccessStep;
using tvm::ffi::reflection::AccessStepObj;
namespace reflection = tvm::ffi::reflection;

// `print` turns a key into text.
std::string StepText(const AccessStepObj& step, const Function& print) {
  if (step.kind == AccessKind::kAttr) return "." + std::string(step.key.cast<String>());
  const std::string key = print(step.key).cast<std::string>();
  const bool missing = step.kind == AccessKind::kAttrMissing ||
                       step.kind == AccessKind::kArrayItemMissing ||
                       step.kind == AccessKind::kMapItemMissing;
  return missing ? "[<missing:" + key + ">]" : "[" + key + "]";
}

String PrintStep(const AccessStep& step, const Function& print) {
  return StepText(*step.get(), print);
}

String PrintPath(const AccessPath& path, const Function& print) {
  std::string text = "<root>";
  for (const AccessStep& step : path->ToSteps()) text += StepText(*step.get(), print);
  return text;
}

TVM_FFI_STATIC_INIT_BLOCK() {
  reflection::ObjectDef<AccessStepObj>(reflection::init(false))
      .def_ro("kind", &AccessStepObj::kind)
      .def_ro("key", &AccessStepObj::key)
      .def_type_attr(reflection::type_attr::kRepr, PrintStep);
  reflection::ObjectDef<AccessPathObj>(reflection::init(false))
      .def_ro("parent", &AccessPathObj::parent)
      .def_ro("step", &AccessPathObj::step)
      .def_ro("depth", &AccessPathObj::depth)
      .def_static("_root", &AccessPath::Root)
      .def("_extend", &AccessPathObj::Extend)
      .def("_attr", &AccessPathObj::Attr)
      .def("_array_item", &AccessPathObj::ArrayItem)
      .def("_map_item", &AccessPathObj::MapItem)
      .def("_attr_missing", &AccessPathObj::AttrMissing)
      .def("_array_item_missing", &AccessPathObj::ArrayItemMissing)
      .def("_map_item_missing", &AccessPathObj::MapItemMissing)
      .def("_is_prefix_of", &AccessPathObj::IsPrefixOf)
      .def("_to_steps", &AccessPathObj::ToSteps)
      .def("_path_equal", &AccessPathObj::PathEqual)
      .def_type_attr(reflection::type_attr::kRepr, PrintPath);
}

}  // namespace
}  // namespace tvmffi::core
