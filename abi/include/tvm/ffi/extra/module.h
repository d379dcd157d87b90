/*!
 * \file tvm/ffi/extra/module.h
 * \brief Module: a loaded library, or anything else that gives out functions by name.
 */
#ifndef TVM_FFI_EXTRA_MODULE_H_
#define TVM_FFI_EXTRA_MODULE_H_

#include <tvm/ffi/any.h>
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/container/map.h>
#include <tvm/ffi/extra/base.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/optional.h>
#include <tvm/ffi/string.h>

namespace tvm {
namespace ffi {

class Module;

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
#pragma GCC diagnostic ignored "-Woverloaded-virtual"
#endif
/*!
 * \brief Base of all modules; derive from it to make one's own, with make_object.
 *
 * The order of the virtual functions, the absence of a virtual destructor and the two members are
 * part of the ABI. All subclasses have the type index of ffi.Module.
 */
class TVM_FFI_EXTRA_CXX_API ModuleObj : public Object {
 public:
  /*! \brief What kind of module this is, such as "library". */
  virtual const char* kind() const = 0;
  /*! \brief Bits of Module::ModulePropertyMask. */
  virtual int GetPropertyMask() const { return 0; }
  /*! \brief The function of this name in this module itself, or nothing. */
  virtual Optional<Function> GetFunction(const String& name) = 0;
  virtual bool ImplementsFunction(const String& name) { return GetFunction(name).has_value(); }
  virtual Optional<String> GetFunctionDoc(const String&) { return std::nullopt; }
  /*! \brief JSON with the key "type_schema", or nothing. */
  virtual Optional<String> GetFunctionMetadata(const String&) { return std::nullopt; }
  virtual void WriteToFile(const String&, const String&) const {
    TVM_FFI_THROW(RuntimeError) << "Module[" << kind() << "] does not support WriteToFile";
  }
  /*! \brief Formats that WriteToFile accepts. */
  virtual Array<String> GetWriteFormats() const { return {}; }
  /*! \brief What the loader `ffi.Module.load_from_bytes.<kind>` turns back into this module. */
  virtual Bytes SaveToBytes() const {
    TVM_FFI_THROW(RuntimeError) << "Module[" << kind() << "] does not support SaveToBytes";
    TVM_FFI_UNREACHABLE();
  }
  /*! \brief Source text in a format, empty when there is none. */
  virtual String InspectSource(const String&) const { return String(); }
  /*! \brief Adds `other` to the imports; RuntimeError when that closes a cycle. */
  virtual void ImportModule(const Module& other);
  virtual void ClearImports();

  /*! \brief The same lookups, then through the imports, depth first, if `query_imports`. */
  Optional<Function> GetFunction(const String& name, bool query_imports);
  bool ImplementsFunction(const String& name, bool query_imports);
  Optional<String> GetFunctionDoc(const String& name, bool query_imports);
  Optional<String> GetFunctionMetadata(const String& name, bool query_imports);
  const Array<Any>& imports() const { return imports_; }

  /*! \brief Access for the library that implements this class. */
  struct InternalUnsafe;

  static constexpr int32_t _type_index = kTVMFFIModule;
  static constexpr bool _type_mutable = true;
  static constexpr bool _type_final = true;
  static constexpr bool _type_child_slots_can_overflow = false;
  TVM_FFI_DECLARE_OBJECT_INFO_STATIC(StaticTypeKey::kTVMFFIModule, ModuleObj, Object);

 protected:
  // Not virtual and not to be called: the deleter that make_object stored destroys a module.
  ~ModuleObj() = default;

  /*! \brief Modules, held as Any because Module is not complete here. */
  Array<Any> imports_;

 private:
  /*! \brief What TVMFFIEnvModLookupFromImports found. */
  Map<String, Function> import_lookup_cache_;
};
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/*! \brief A reference to a module; never null. Functions got from a library module keep it loaded.
 */
class Module : public ObjectRef {
 public:
  /*! \brief Bits of ModuleObj::GetPropertyMask. */
  enum ModulePropertyMask : int {
    kBinarySerializable = 0b001,
    kRunnable = 0b010,
    kCompilationExportable = 0b100
  };

  explicit Module(const ObjectPtr<ModuleObj>& ptr) : ObjectRef(ptr) { TVM_FFI_ICHECK_NOTNULL(ptr); }
  /*! \brief Load a library or another file; its extension chooses the loader. Throws Error. */
  TVM_FFI_EXTRA_CXX_API static Module LoadFromFile(const String& file_name);
  /*! \brief Calls `callback` with each name and address of TVMFFIEnvModRegisterContextSymbol. */
  TVM_FFI_EXTRA_CXX_API static void VisitContextSymbols(
      const TypedFunction<void(String, void*)>& callback);

  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(Module, ObjectRef, ModuleObj);
};

static_assert(sizeof(ModuleObj) == 48, "part of the ABI");

/*! \brief Symbol names that loaders look for in a library. */
namespace symbol {
/*! \brief In front of every exported function's name. */
inline constexpr const char* tvm_ffi_symbol_prefix = "__tvm_ffi_";
inline constexpr const char* tvm_ffi_main = "__tvm_ffi_main";
/*! \brief A `void*` that receives the ModuleObj*. */
inline constexpr const char* tvm_ffi_library_ctx = "__tvm_ffi__library_ctx";
/*! \brief Embedded modules. */
inline constexpr const char* tvm_ffi_library_bin = "__tvm_ffi__library_bin";
inline constexpr const char* tvm_ffi_metadata_prefix = "__tvm_ffi__metadata_";
inline constexpr const char* tvm_ffi_doc_prefix = "__tvm_ffi__doc_";
}  // namespace symbol

}  // namespace ffi
}  // namespace tvm
#endif  // TVM_FFI_EXTRA_MODULE_H_
