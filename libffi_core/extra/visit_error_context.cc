// Finding the nodes that an error passed.
#include <tvm/ffi/container/dict.h>
#include <tvm/ffi/container/list.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/visit_error_context.h>
#include <tvm/ffi/reflection/accessor.h>
#include <tvm/ffi/reflection/registry.h>

#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace tvmffi::core {
namespace {

namespace refl = tvm::ffi::reflection;
using refl::AccessKind;
using refl::AccessPath;
using refl::AccessStep;
using tvm::ffi::Any;
using tvm::ffi::Array;
using tvm::ffi::ArrayObj;
using tvm::ffi::DictObj;
using tvm::ffi::List;
using tvm::ffi::ListObj;
using tvm::ffi::MapBaseObj;
using tvm::ffi::MapObj;
using tvm::ffi::Object;
using tvm::ffi::ObjectRef;
using tvm::ffi::String;
using tvm::ffi::VisitErrorContext;
using tvm::ffi::VisitErrorContextObj;

bool IsReflected(const TVMFFITypeInfo* info) { return info->metadata != nullptr; }

// One step from an object to another one in it.
struct Child {
  AccessKind kind;
  Any key;
  ObjectRef object;
};

class Children {
 public:
  static std::vector<Child> Of(const Object* object) {
    Children children;
    switch (object->type_index()) {
      case kTVMFFIArray:
        children.AddElements(*static_cast<const ArrayObj*>(object));
        break;
      case kTVMFFIList:
        children.AddElements(*static_cast<const ListObj*>(object));
        break;
      case kTVMFFIMap:
        children.AddValues(*static_cast<const MapObj*>(object));
        break;
      case kTVMFFIDict:
        children.AddValues(*static_cast<const DictObj*>(object));
        break;
      default:
        children.AddFields(object);
    }
    return std::move(children.children_);
  }

 private:
  std::vector<Child> children_;

  void Add(AccessKind kind, Any key, const Any& value) {
    if (value.type_index() < kTVMFFIStaticObjectBegin) return;
    children_.push_back({kind, std::move(key), value.cast<ObjectRef>()});
  }

  template <typename Elements>
  void AddElements(const Elements& elements) {
    int64_t index = 0;
    for (const Any& element : elements) Add(AccessKind::kArrayItem, index++, element);
  }

  void AddValues(const MapBaseObj& map) {
    for (uint64_t slot = map.FirstSlot(); slot != MapBaseObj::kNoSlot; slot = map.NextSlot(slot)) {
      const auto& [key, value] = map.PairAt(slot);
      Add(AccessKind::kMapItem, key, value);
    }
  }

  void AddFields(const Object* object) {
    const TVMFFITypeInfo* info = TVMFFIGetTypeInfo(object->type_index());
    if (!IsReflected(info)) return;
    refl::ForEachFieldInfo(info, [&](const TVMFFIFieldInfo* field) {
      Add(AccessKind::kAttr, String(field->name), refl::FieldGetter(field)(object));
    });
  }
};

// A depth-first search with a stack of its own: structures may be nested deeper than threads allow.
class PathSearch {
 public:
  PathSearch(const VisitErrorContext& context, bool allow_prefix_match)
      : allow_prefix_match_(allow_prefix_match) {
    const List<ObjectRef>& reversed = context->reverse_visit_pattern;
    for (auto it = reversed.rbegin(); it != reversed.rend(); ++it) {
      const ObjectRef node = *it;
      if (!node.defined() || !IsReflected(TVMFFIGetTypeInfo(node.type_index()))) continue;
      if (pattern_.empty() || !pattern_.back().same_as(node)) pattern_.push_back(node);
    }
  }

  Array<AccessPath> Run(const ObjectRef& root) {
    if (!pattern_.empty() && root.defined() && IsReflected(TVMFFIGetTypeInfo(root.type_index()))) {
      Enter({AccessKind::kAttr, nullptr, root});
      while (!frames_.empty()) Advance();
    }
    return std::move(paths_);
  }

 private:
  struct Frame {
    Child here;
    // How many nodes of the pattern were met up to here.
    size_t num_matched = 0;
    std::vector<Child> children;
    size_t next_child = 0;
    // A path was reported here or below.
    bool found = false;
    // Something below was left out because it lies on the way here.
    bool met_cycle = false;
  };

  const bool allow_prefix_match_;
  std::vector<ObjectRef> pattern_;
  std::vector<Frame> frames_;
  std::unordered_set<const Object*> on_the_way_;
  // Objects, with the number of nodes met before, below which there is nothing to find.
  std::set<std::pair<const Object*, size_t>> fruitless_;
  Array<AccessPath> paths_;

  void Enter(Child child) {
    const Object* object = child.object.get();
    const size_t matched_above = frames_.empty() ? 0 : frames_.back().num_matched;
    if (fruitless_.count({object, matched_above}) != 0) return;
    if (!on_the_way_.insert(object).second) {
      frames_.back().met_cycle = true;
      return;
    }
    Frame frame;
    frame.here = std::move(child);
    frame.num_matched = matched_above + (pattern_[matched_above].get() == object ? 1 : 0);
    const bool complete = frame.num_matched == pattern_.size();
    if (!complete) frame.children = Children::Of(object);
    frames_.push_back(std::move(frame));
    if (complete) Report();
  }

  void Advance() {
    Frame& frame = frames_.back();
    if (frame.next_child != frame.children.size()) {
      Enter(std::move(frame.children[frame.next_child++]));
      return;
    }
    if (!frame.found && allow_prefix_match_ && frame.num_matched != 0 &&
        IsReflected(TVMFFIGetTypeInfo(frame.here.object.type_index()))) {
      Report();
    }
    Leave();
  }

  void Leave() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    const Object* object = frame.here.object.get();
    on_the_way_.erase(object);
    if (!frame.found && !frame.met_cycle) {
      fruitless_.emplace(object, frames_.empty() ? 0 : frames_.back().num_matched);
    }
    if (frames_.empty()) return;
    frames_.back().found |= frame.found;
    frames_.back().met_cycle |= frame.met_cycle;
  }

  void Report() {
    AccessPath path = AccessPath::Root();
    for (size_t i = 1; i < frames_.size(); ++i) {
      path = path->Extend(AccessStep(frames_[i].here.kind, frames_[i].here.key));
    }
    paths_.push_back(path);
    frames_.back().found = true;
  }
};

Array<AccessPath> FindPaths(const ObjectRef& root, const VisitErrorContext& context,
                            bool allow_prefix_match) {
  return PathSearch(context, allow_prefix_match).Run(root);
}

TVM_FFI_STATIC_INIT_BLOCK() {
  refl::ObjectDef<VisitErrorContextObj>()
      .def_ro("reverse_visit_pattern", &VisitErrorContextObj::reverse_visit_pattern)
      .def_ro("prev_error_context", &VisitErrorContextObj::prev_error_context);
  refl::GlobalDef().def("ffi.VisitErrorContext.FindAccessPaths", FindPaths);
}

}  // namespace
}  // namespace tvmffi::core

namespace tvm {
namespace ffi {

Array<reflection::AccessPath> VisitErrorContext::FindAccessPaths(
    const ObjectRef& root, const VisitErrorContext& visit_error_context, bool allow_prefix_match) {
  return tvmffi::core::FindPaths(root, visit_error_context, allow_prefix_match);
}

}  // namespace ffi
}  // namespace tvm
