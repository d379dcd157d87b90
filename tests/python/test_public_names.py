"""The names that programs may rely on, where they are and what they take."""

from __future__ import annotations

import importlib
import inspect
import sysconfig
from pathlib import Path

import pytest
import tvm_ffi
import tvm_ffi.testing

NAMES = {
    "tvm_ffi": """
        convert convert_func device from_dlpack get_first_structural_mismatch get_global_func get_global_func_metadata
        get_raw_stream init_ffi_api load_module method register_error register_global_func register_object remove_global_func
        structural_equal structural_hash structural_walk system_lib use_raw_stream use_torch_stream
        Array CAny CContainerBase DLDeviceType DefRegionKind Device Dict Function List Map Module Object ObjectConvertible Shape
        StreamContext StructuralKey StructuralVisitor Tensor VisitInterrupt WalkOrder WalkResult dtype
        bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 bfloat16 float8_e3m4 float8_e4m3
        float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu float6_e2m3fn float6_e3m2fn
        float4_e2m1fn float4_e2m1fnx2 LIB __version__ __version_tuple__
        access_path container core cpp dataclasses error libinfo module registry serialization stream structural stub utils""",
    "tvm_ffi.core": """
        CAny CContainerBase CObject Bytes DataType Device DLDeviceType ERROR_NAME_TO_TYPE ERROR_TYPE_TO_NAME Error Function KWARGS
        MISSING Object ObjectConvertible ObjectRValueRef OpaquePyObject PyNativeObject Shape String Tensor TypeField TypeInfo
        TypeMethod TypeSchema __dlpack_version__ _CLASS_DEVICE _CLASS_DTYPE _set_class_tensor _to_py_class_value""",
    "tvm_ffi.container": "Array Dict ItemsView KeysView List Map ValuesView getitem_helper normalize_index",
    "tvm_ffi.registry": """
        _SKIP_UNKNOWN_OBJECTS get_global_func get_global_func_metadata get_registered_type_keys init_ffi_api
        list_global_func_names register_global_func register_object remove_global_func""",
    "tvm_ffi.module": "Module ModulePropertyMask load_module system_lib",
    "tvm_ffi.stream": "StreamContext get_raw_stream use_raw_stream use_torch_stream",
    "tvm_ffi.cpp": "build build_inline load load_inline to_cpp_dtype",
    "tvm_ffi.cpp.nvrtc": "nvrtc_compile",
    "tvm_ffi.config": "__main__",
    "tvm_ffi.stub.cli": "__main__",
    "tvm_ffi.error": "register_error",
    "tvm_ffi.libinfo": """
        find_cmake_path find_cython_lib find_dlpack_include_path find_include_path find_libtvm_ffi
        find_python_helper_include_path find_source_path find_windows_implib include_paths load_lib_ctypes load_lib_module""",
    "tvm_ffi.utils": "FileLock",
    "tvm_ffi.utils.kwargs_wrapper": "make_kwargs_wrapper make_kwargs_wrapper_from_signature",
    "tvm_ffi.utils.unpack_dataclass": "unpack_dataclass_to_tuple",
    "tvm_ffi.utils.embed_cubin": "embed_cubin",
    "tvm_ffi.dataclasses": """
        KW_ONLY MISSING Enum EnumAttrMap EnumState Field IntEnum Object StrEnum asdict astuple auto c_class entry field fields
        gen_abi_cpp init_property is_dataclass py_class replace""",
    "tvm_ffi.structural": """
        DefRegionKind StructuralKey StructuralVisitor VisitInterrupt WalkOrder WalkResult get_first_structural_mismatch
        structural_equal structural_hash structural_walk""",
    "tvm_ffi.access_path": "AccessKind AccessPath AccessStep",
    "tvm_ffi.serialization": "from_json_graph_str to_json_graph_str",
    "tvm_ffi.testing": """
        create_object run_with_gpu_lock TestCompare TestCustomCompare TestCustomHash TestCxxAutoInit TestCxxAutoInitAllInitOff
        TestCxxAutoInitChild TestCxxAutoInitKwOnlyDefaults TestCxxAutoInitParent TestCxxAutoInitSimple TestCxxClassBase
        TestCxxClassDerived TestCxxClassDerivedDerived TestCxxInitSubset TestCxxIntEnum TestCxxStrEnum TestCxxKwOnly
        TestEqWithoutHash TestHash TestIntPair TestNonCopyable TestObjectBase TestObjectDerived""",
}
MEMBERS = {
    "tvm_ffi.core.CObject": """
        __chandle__ __ctypes_handle__ __init_handle_by_constructor__ __move_handle_from__ _move id_ is_ same_as""",
    "tvm_ffi.core.Object": "__getstate__ __reduce__ __setstate__",
    "tvm_ffi.core.Error": "backtrace extra_context kind message py_error update_backtrace",
    "tvm_ffi.core.CAny": "type_index",
    "tvm_ffi.core.OpaquePyObject": "pyobject",
    "tvm_ffi.core.ObjectConvertible": "asobject",
    "tvm_ffi.core.Function": "__call__ __from_extern_c__ __from_mlir_packed_safe_call__ release_gil",
    "tvm_ffi.core.TypeSchema": """
        args check_value convert from_annotation from_json_obj from_json_str from_type_index input_repr is_subtype_of origin
        output_repr repr to_json""",
    "tvm_ffi.Tensor": """
        __dlpack__ __dlpack_device__ _to_dlpack _to_dlpack_versioned data_ptr device dtype is_contiguous ndim numel shape size
        strides""",
    "tvm_ffi.Device": "dlpack_device_type index type",
    "tvm_ffi.dtype": "bits from_dlpack_data_type is_bool is_dtype is_float is_handle is_integer itemsize lanes type_code with_lanes",
    "tvm_ffi.Module": """
        __getitem__ clear_imports entry_name get_function get_function_doc get_function_metadata get_property_mask
        get_write_formats implements_function import_module imports inspect_source is_binary_serializable
        is_compilation_exportable is_runnable kind write_to_file""",
    "tvm_ffi.Array": "__add__ __contains__ __radd__ count index",
    "tvm_ffi.List": "__add__ __iadd__ append clear extend insert pop remove reverse",
    "tvm_ffi.Map": "get items keys values",
    "tvm_ffi.Dict": "clear get items keys pop popitem setdefault update values",
    "tvm_ffi.StructuralKey": "hash_i64",
    "tvm_ffi.StructuralVisitor": "def_region_kind visit with_def_region_kind",
}
SIGNATURES = {
    "tvm_ffi.convert_func": "pyfunc tensor_cls=",
    "tvm_ffi.device": "device_type index=",
    "tvm_ffi.from_dlpack": "ext_tensor *require_alignment= *require_contiguous=",
    "tvm_ffi.get_first_structural_mismatch": "lhs rhs map_free_vars= skip_tensor_content=",
    "tvm_ffi.get_global_func": "name allow_missing=",
    "tvm_ffi.get_global_func_metadata": "name",
    "tvm_ffi.init_ffi_api": "namespace target_module_name=",
    "tvm_ffi.load_module": "path keep_module_alive=",
    "tvm_ffi.register_error": "name_or_cls= cls=",
    "tvm_ffi.register_global_func": "func_name f= override=",
    "tvm_ffi.register_object": "type_key= *init=",
    "tvm_ffi.structural_equal": "lhs rhs map_free_vars= skip_tensor_content=",
    "tvm_ffi.structural_hash": "value map_free_vars= skip_tensor_content=",
    "tvm_ffi.structural_walk": "root callbacks= with_def_region_kind= order=",
    "tvm_ffi.system_lib": "symbol_prefix=",
    "tvm_ffi.use_raw_stream": "device stream",
    "tvm_ffi.use_torch_stream": "context=",
    "tvm_ffi.Tensor.__dlpack__": "self *stream= *max_version= *dl_device= *copy=",
    "tvm_ffi.Module.get_function": "self name query_imports=",
    "tvm_ffi.Module.get_function_doc": "self name query_imports=",
    "tvm_ffi.Module.get_function_metadata": "self name query_imports=",
    "tvm_ffi.Module.implements_function": "self name query_imports=",
    "tvm_ffi.Module.inspect_source": "self fmt=",
    "tvm_ffi.Module.write_to_file": "self file_name fmt=",
    "tvm_ffi.cpp.nvrtc.nvrtc_compile": "source *name= *arch= *extra_opts=",
    "tvm_ffi.cpp.build_inline": """
        name *cpp_sources= *cuda_sources= *functions= *extra_cflags= *extra_cuda_cflags= *extra_ldflags= *extra_include_paths=
        *build_directory= *embed_cubin= *backend= *output=""",
    "tvm_ffi.cpp.load_inline": """
        name *cpp_sources= *cuda_sources= *functions= *extra_cflags= *extra_cuda_cflags= *extra_ldflags= *extra_include_paths=
        *build_directory= *embed_cubin= *backend= *keep_module_alive=""",
    "tvm_ffi.cpp.build": """
        name *sources= *cpp_files= *cuda_files= *extra_cflags= *extra_cuda_cflags= *extra_ldflags= *extra_include_paths=
        *build_directory= *backend= *output=""",
    "tvm_ffi.cpp.load": """
        name *sources= *cpp_files= *cuda_files= *extra_cflags= *extra_cuda_cflags= *extra_ldflags= *extra_include_paths=
        *build_directory= *backend= *keep_module_alive=""",
    "tvm_ffi.libinfo.load_lib_ctypes": "package target_name mode extra_lib_paths=",
    "tvm_ffi.libinfo.load_lib_module": "package target_name keep_module_alive= extra_lib_paths=",
    "tvm_ffi.utils.FileLock.blocking_acquire": "self timeout= poll_interval=",
    "tvm_ffi.utils.kwargs_wrapper.make_kwargs_wrapper": """
        target_func arg_names arg_defaults= kwonly_names= kwonly_defaults= prototype= map_dataclass_to_tuple=""",
    "tvm_ffi.utils.kwargs_wrapper.make_kwargs_wrapper_from_signature": """
        target_func signature prototype= exclude_arg_names= map_dataclass_to_tuple=""",
    "tvm_ffi.dataclasses.py_class": """
        cls_or_type_key= *type_key= *frozen= *init= *repr= *eq= *order= *unsafe_hash= *match_args= *kw_only= *structural_eq=
        *slots=""",
    "tvm_ffi.dataclasses.c_class": "type_key *frozen= *init= *repr= *eq= *order= *unsafe_hash= *match_args=",
    "tvm_ffi.dataclasses.field": """
        *default= *default_factory= *frozen= *init= *repr= *hash= *compare= *kw_only= *structural_eq= *doc= *converter=""",
    "tvm_ffi.dataclasses.gen_abi_cpp": "type_keys",
    "tvm_ffi.serialization.to_json_graph_str": "obj metadata=",
    "tvm_ffi.serialization.from_json_graph_str": "json_str",
}
GLOBAL_FUNCTIONS = """
    Array ArrayContains ArrayGetItem ArraySize Bytes ContainerFindFirstNonCPUDevice DeepCopy Dict DictClear DictCount DictErase
    DictForwardIterFunctor DictGetItem DictGetItemOrMissing DictSetItem DictSize FromJSONGraph FromJSONGraphString
    FunctionFromExternC FunctionListGlobalNamesFunctor FunctionRemoveGlobal GetFirstStructuralMismatch GetGlobalFuncMetadata
    GetInvalidObject GetKwargsObject GetRegisteredTypeKeys List ListAppend ListClear ListContains ListErase ListEraseRange
    ListGetItem ListInsert ListPop ListReplaceSlice ListReverse ListSetItem ListSize MakeFieldGetter MakeFieldSetter
    MakeObjectFromPackedArgs Map MapCount MapForwardIterFunctor MapGetItem MapGetItemOrMissing MapSize ModuleClearImports
    ModuleGetFunction ModuleGetFunctionDoc ModuleGetFunctionMetadata ModuleGetKind ModuleGetPropertyMask ModuleGetWriteFormats
    ModuleGlobalsAdd ModuleGlobalsRemove ModuleImplementsFunction ModuleImportModule ModuleInspectSource ModuleLoadFromFile
    ModuleWriteToFile RecursiveEq RecursiveGe RecursiveGt RecursiveHash RecursiveLe RecursiveLt ReprPrint Shape String
    StructuralEqual StructuralHash StructuralKey StructuralKeyEqual StructuralVisitorDefRegionKind StructuralVisitorVisit
    StructuralVisitorWithDefRegionKind StructuralWalk SystemLib ToJSONGraph ToJSONGraphString VisitInterrupt
    _PyClassRegisterTypeAttrColumns _RegisterFFIInit Module.load_from_file.so"""
TESTING_FUNCTIONS = """
    echo nop apply add_one test_raise_error object_use_count run_check_signal get_add_one_c_symbol get_mlir_add_one_c_symbol
    make_unregistered_object optional_tensor_view_has_value TestIntPairSum enum_variant_get make_array_with_tensor
    make_list_with_tensor make_map_with_tensor make_dict_with_tensor make_array_with_mixed make_nested_array_with_tensor
    make_nested_map_with_tensor make_empty_array_with_tensor_input schema_no_args schema_no_return schema_no_args_no_return
    schema_packed schema_tensor_view_input schema_variant_mix schema_arr_map_opt schema_id_any schema_id_arr schema_id_arr_int
    schema_id_arr_obj schema_id_arr_str schema_id_bool schema_id_bytes schema_id_device schema_id_dict_str_int
    schema_id_dict_str_str schema_id_dltensor schema_id_dtype schema_id_float schema_id_func schema_id_func_typed schema_id_int
    schema_id_list_int schema_id_list_obj schema_id_list_str schema_id_map schema_id_map_str_int schema_id_map_str_obj
    schema_id_map_str_str schema_id_object schema_id_opt_int schema_id_opt_obj schema_id_opt_str schema_id_string
    schema_id_tensor schema_id_variant_int_str"""
TESTING_TYPES = """
    SchemaAllTypes TestCompare TestCustomCompare TestCustomHash TestCxxAutoInit TestCxxAutoInitAllInitOff TestCxxAutoInitChild
    TestCxxAutoInitKwOnlyDefaults TestCxxAutoInitParent TestCxxAutoInitSimple TestCxxClassBase TestCxxClassDerived
    TestCxxClassDerivedDerived TestCxxEnumHolder TestCxxInitSubset TestCxxIntEnum TestCxxStrEnum TestCxxKwOnly TestCxxNoAutoInit
    TestDeepCopyEdges TestEnumVariant TestEqWithoutHash TestFrozenCxx TestHash TestIntPair TestNonCopyable TestObjectBase
    TestObjectDerived TestObjectPtrHolder TestUnregisteredBaseObject TestUnregisteredObject"""


@pytest.mark.parametrize("module", NAMES)
def test_modules_have_their_names(module):
    found = importlib.import_module(module)
    assert [name for name in NAMES[module].split() if not hasattr(found, name)] == []


@pytest.mark.parametrize("path", MEMBERS)
def test_classes_have_their_members(path):
    cls = _resolve(path)
    assert [name for name in MEMBERS[path].split() if not hasattr(cls, name)] == []


def _resolve(path: str) -> object:
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise AssertionError(path)


def _describe(function) -> str:
    """``a b= *c=``: a required, b with a default, c by keyword only."""
    words = []
    for parameter in inspect.signature(function).parameters.values():
        star = "*" if parameter.kind is inspect.Parameter.KEYWORD_ONLY else ""
        words.append(star + parameter.name + ("" if parameter.default is inspect.Parameter.empty else "="))
    return " ".join(words)


def test_an_opaque_object_that_is_held_gives_its_python_object():
    value, echo = object(), tvm_ffi.get_global_func("testing.echo")
    held = tvm_ffi.core.OpaquePyObject()
    with pytest.raises(ValueError, match="holds no object"):
        held.pyobject()

    held.__init_handle_by_constructor__(echo, value)

    assert held.pyobject() is value
    assert echo(held) is value


@pytest.mark.parametrize("path", SIGNATURES)
def test_functions_take_what_they_should(path):
    taken, wanted = _describe(_resolve(path)).split(), SIGNATURES[path].split()
    # Keywords have no order.
    assert [word for word in taken if "*" not in word] == [word for word in wanted if "*" not in word]
    assert sorted(taken) == sorted(wanted)


def test_names_that_a_star_import_takes_exist():
    assert [name for name in tvm_ffi.__all__ if not hasattr(tvm_ffi, name)] == []
    assert len(tvm_ffi.__all__) == 49


@pytest.mark.parametrize(("prefix", "names"), [("ffi.", GLOBAL_FUNCTIONS), ("testing.", TESTING_FUNCTIONS)])
def test_global_functions_are_registered(prefix, names):
    registered = set(tvm_ffi.registry.list_global_func_names())
    assert [name for name in names.split() if prefix + name not in registered] == []


def test_types_of_the_testing_library_are_registered():
    registered = set(tvm_ffi.registry.get_registered_type_keys())
    assert [name for name in TESTING_TYPES.split() if "testing." + name not in registered] == []


def test_the_package_has_its_files():
    package = Path(tvm_ffi.__file__).parent
    files = [
        "core" + sysconfig.get_config_var("EXT_SUFFIX"),
        "lib/libtvm_ffi.so",
        "lib/libtvm_ffi_testing.so",
        "include/tvm/ffi/c_api.h",
        "include/dlpack/dlpack.h",
        "include/tvm_ffi_python_helpers.h",
        "share/cmake/tvm_ffi/tvm_ffi-config.cmake",
        "py.typed",
        "core.pyi",
    ]
    assert [file for file in files if not (package / file).is_file()] == []
