// Sizes, offsets and enumerator values of the C ABI, checked when compiled. Included by a C and a
// C++ file.
#ifndef TVMFFI_TESTS_ABI_C_LAYOUT_CHECKS_H_
#define TVMFFI_TESTS_ABI_C_LAYOUT_CHECKS_H_

#include <tvm/ffi/extra/c_env_api.h>

#ifdef __cplusplus
#define CHECK_ABI(expr) static_assert(expr, #expr)
#else
#define CHECK_ABI(expr) _Static_assert(expr, #expr)
#endif
#define CHECK_FIELD(type, field, offset, size) \
  CHECK_ABI(offsetof(type, field) == (offset) && sizeof(((type*)0)->field) == (size))

CHECK_ABI(sizeof(TVMFFIVersion) == 12);
CHECK_ABI(sizeof(TVMFFIObject) == 24);
CHECK_FIELD(TVMFFIObject, combined_ref_count, 0, 8);
CHECK_FIELD(TVMFFIObject, type_index, 8, 4);
CHECK_FIELD(TVMFFIObject, __padding, 12, 4);
CHECK_FIELD(TVMFFIObject, deleter, 16, 8);
CHECK_ABI(sizeof(TVMFFIAny) == 16);
CHECK_FIELD(TVMFFIAny, type_index, 0, 4);
CHECK_FIELD(TVMFFIAny, zero_padding, 4, 4);
CHECK_FIELD(TVMFFIAny, small_str_len, 4, 4);
CHECK_FIELD(TVMFFIAny, v_int64, 8, 8);
CHECK_FIELD(TVMFFIAny, v_dtype, 8, 4);
CHECK_FIELD(TVMFFIAny, v_device, 8, 8);
CHECK_FIELD(TVMFFIAny, v_bytes, 8, 8);
CHECK_ABI(sizeof(TVMFFIByteArray) == 16);
CHECK_FIELD(TVMFFIByteArray, size, 8, 8);
CHECK_ABI(sizeof(TVMFFIShapeCell) == 16);
CHECK_ABI(sizeof(TVMFFIOpaqueObjectCell) == 8);
CHECK_ABI(sizeof(TVMFFIObjectAllocHeader) == 8);
CHECK_ABI(sizeof(TVMFFICustomAllocator) == 16);
CHECK_ABI(sizeof(TVMFFIFunctionCell) == 16);
CHECK_FIELD(TVMFFIFunctionCell, cpp_call, 8, 8);
#ifdef __cplusplus
CHECK_ABI(sizeof(TVMFFISeqCell) == 32);
#endif
CHECK_FIELD(TVMFFISeqCell, size, 8, 8);
CHECK_FIELD(TVMFFISeqCell, capacity, 16, 8);
CHECK_FIELD(TVMFFISeqCell, data_deleter, 24, 8);
CHECK_ABI(sizeof(TVMFFIErrorCell) == 72);
CHECK_FIELD(TVMFFIErrorCell, message, 16, 16);
CHECK_FIELD(TVMFFIErrorCell, backtrace, 32, 16);
CHECK_FIELD(TVMFFIErrorCell, update_backtrace, 48, 8);
CHECK_FIELD(TVMFFIErrorCell, cause_chain, 56, 8);
CHECK_FIELD(TVMFFIErrorCell, extra_context, 64, 8);
CHECK_ABI(sizeof(TVMFFIFieldInfo) == 120);
CHECK_FIELD(TVMFFIFieldInfo, flags, 48, 8);
CHECK_FIELD(TVMFFIFieldInfo, size, 56, 8);
CHECK_FIELD(TVMFFIFieldInfo, offset, 72, 8);
CHECK_FIELD(TVMFFIFieldInfo, getter, 80, 8);
CHECK_FIELD(TVMFFIFieldInfo, setter, 88, 8);
CHECK_FIELD(TVMFFIFieldInfo, default_value_or_factory, 96, 16);
CHECK_FIELD(TVMFFIFieldInfo, field_static_type_index, 112, 4);
CHECK_ABI(sizeof(TVMFFIMethodInfo) == 72);
CHECK_FIELD(TVMFFIMethodInfo, flags, 48, 8);
CHECK_FIELD(TVMFFIMethodInfo, method, 56, 16);
CHECK_ABI(sizeof(TVMFFITypeMetadata) == 32);
CHECK_FIELD(TVMFFITypeMetadata, creator, 16, 8);
CHECK_FIELD(TVMFFITypeMetadata, total_size, 24, 4);
CHECK_FIELD(TVMFFITypeMetadata, structural_eq_hash_kind, 28, 4);
CHECK_ABI(sizeof(TVMFFITypeAttrColumn) == 16);
CHECK_FIELD(TVMFFITypeAttrColumn, size, 8, 4);
CHECK_FIELD(TVMFFITypeAttrColumn, begin_index, 12, 4);
CHECK_ABI(sizeof(TVMFFITypeInfo) == 72);
CHECK_FIELD(TVMFFITypeInfo, type_depth, 4, 4);
CHECK_FIELD(TVMFFITypeInfo, type_key, 8, 16);
CHECK_FIELD(TVMFFITypeInfo, type_ancestors, 24, 8);
CHECK_FIELD(TVMFFITypeInfo, type_key_hash, 32, 8);
CHECK_FIELD(TVMFFITypeInfo, num_fields, 40, 4);
CHECK_FIELD(TVMFFITypeInfo, num_methods, 44, 4);
CHECK_FIELD(TVMFFITypeInfo, fields, 48, 8);
CHECK_FIELD(TVMFFITypeInfo, methods, 56, 8);
CHECK_FIELD(TVMFFITypeInfo, metadata, 64, 8);

CHECK_ABI(sizeof(DLPackVersion) == 8);
CHECK_ABI(sizeof(DLDevice) == 8);
CHECK_FIELD(DLDevice, device_id, 4, 4);
CHECK_ABI(sizeof(DLDataType) == 4);
CHECK_FIELD(DLDataType, bits, 1, 1);
CHECK_FIELD(DLDataType, lanes, 2, 2);
CHECK_ABI(sizeof(DLTensor) == 48);
CHECK_FIELD(DLTensor, device, 8, 8);
CHECK_FIELD(DLTensor, ndim, 16, 4);
CHECK_FIELD(DLTensor, dtype, 20, 4);
CHECK_FIELD(DLTensor, shape, 24, 8);
CHECK_FIELD(DLTensor, strides, 32, 8);
CHECK_FIELD(DLTensor, byte_offset, 40, 8);
CHECK_ABI(sizeof(DLManagedTensor) == 64);
CHECK_FIELD(DLManagedTensor, manager_ctx, 48, 8);
CHECK_FIELD(DLManagedTensor, deleter, 56, 8);
CHECK_ABI(sizeof(DLManagedTensorVersioned) == 80);
CHECK_FIELD(DLManagedTensorVersioned, manager_ctx, 8, 8);
CHECK_FIELD(DLManagedTensorVersioned, deleter, 16, 8);
CHECK_FIELD(DLManagedTensorVersioned, flags, 24, 8);
CHECK_FIELD(DLManagedTensorVersioned, dl_tensor, 32, 48);
CHECK_ABI(sizeof(DLPackExchangeAPIHeader) == 16);
CHECK_ABI(sizeof(DLPackExchangeAPI) == 56);
CHECK_FIELD(DLPackExchangeAPI, managed_tensor_allocator, 16, 8);
CHECK_FIELD(DLPackExchangeAPI, managed_tensor_from_py_object_no_sync, 24, 8);
CHECK_FIELD(DLPackExchangeAPI, managed_tensor_to_py_object_no_sync, 32, 8);
CHECK_FIELD(DLPackExchangeAPI, dltensor_from_py_object_no_sync, 40, 8);
CHECK_FIELD(DLPackExchangeAPI, current_work_stream, 48, 8);
CHECK_ABI(DLPACK_MAJOR_VERSION == 1 && DLPACK_MINOR_VERSION == 3);
CHECK_ABI(DLPACK_FLAG_BITMASK_READ_ONLY == 1 && DLPACK_FLAG_BITMASK_IS_COPIED == 2 &&
          DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED == 4);

CHECK_ABI(sizeof(TVMFFITypeIndex) == 4 && sizeof(TVMFFISEqHashKind) == 4);
CHECK_ABI(kTVMFFIAny == -1 && kTVMFFINone == 0 && kTVMFFIInt == 1 && kTVMFFIBool == 2);
CHECK_ABI(kTVMFFIFloat == 3 && kTVMFFIOpaquePtr == 4 && kTVMFFIDataType == 5);
CHECK_ABI(kTVMFFIDevice == 6 && kTVMFFIDLTensorPtr == 7 && kTVMFFIRawStr == 8);
CHECK_ABI(kTVMFFIByteArrayPtr == 9 && kTVMFFIObjectRValueRef == 10 && kTVMFFISmallStr == 11);
CHECK_ABI(kTVMFFISmallBytes == 12 && kTVMFFIStaticObjectBegin == 64 && kTVMFFIObject == 64);
CHECK_ABI(kTVMFFIStr == 65 && kTVMFFIBytes == 66 && kTVMFFIError == 67 && kTVMFFIFunction == 68);
CHECK_ABI(kTVMFFIShape == 69 && kTVMFFITensor == 70 && kTVMFFIArray == 71 && kTVMFFIMap == 72);
CHECK_ABI(kTVMFFIModule == 73 && kTVMFFIOpaquePyObject == 74 && kTVMFFIList == 75);
CHECK_ABI(kTVMFFIDict == 76 && kTVMFFIVisitInterrupt == 77 && kTVMFFIStaticObjectEnd == 78);
CHECK_ABI(kTVMFFIDynObjectBegin == 128);
CHECK_ABI(kTVMFFIObjectDeleterFlagBitMaskStrong == 1 && kTVMFFIObjectDeleterFlagBitMaskWeak == 2 &&
          kTVMFFIObjectDeleterFlagBitMaskBoth == 3);
CHECK_ABI(kTVMFFIBacktraceUpdateModeReplace == 0 && kTVMFFIBacktraceUpdateModeAppend == 1);
CHECK_ABI(kTVMFFIFieldFlagBitMaskWritable == 1 && kTVMFFIFieldFlagBitMaskHasDefault == 2 &&
          kTVMFFIFieldFlagBitMaskIsStaticMethod == 4 && kTVMFFIFieldFlagBitMaskSEqHashIgnore == 8 &&
          kTVMFFIFieldFlagBitMaskSEqHashDefRecursive == 16 &&
          kTVMFFIFieldFlagBitMaskDefaultFromFactory == 32 && kTVMFFIFieldFlagBitMaskReprOff == 64 &&
          kTVMFFIFieldFlagBitMaskCompareOff == 128 && kTVMFFIFieldFlagBitMaskHashOff == 256 &&
          kTVMFFIFieldFlagBitMaskInitOff == 512 && kTVMFFIFieldFlagBitMaskKwOnly == 1024 &&
          kTVMFFIFieldFlagBitSetterIsFunctionObj == 2048 &&
          kTVMFFIFieldFlagBitMaskSEqHashDefNonRecursive == 4096);
CHECK_ABI(kTVMFFISEqHashKindUnsupported == 0 && kTVMFFISEqHashKindTreeNode == 1 &&
          kTVMFFISEqHashKindFreeVar == 2 && kTVMFFISEqHashKindDAGNode == 3 &&
          kTVMFFISEqHashKindConstTreeNode == 4 && kTVMFFISEqHashKindUniqueInstance == 5);
CHECK_ABI(kTVMFFIDefRegionKindNone == 0 && kTVMFFIDefRegionKindRecursive == 1 &&
          kTVMFFIDefRegionKindNonRecursive == 2);
CHECK_ABI(kDLCPU == 1 && kDLCUDA == 2 && kDLCUDAHost == 3 && kDLOpenCL == 4 && kDLVulkan == 7 &&
          kDLMetal == 8 && kDLVPI == 9 && kDLROCM == 10 && kDLROCMHost == 11 && kDLExtDev == 12 &&
          kDLCUDAManaged == 13 && kDLOneAPI == 14 && kDLWebGPU == 15 && kDLHexagon == 16 &&
          kDLMAIA == 17 && kDLTrn == 18);
CHECK_ABI(kDLInt == 0 && kDLUInt == 1 && kDLFloat == 2 && kDLOpaqueHandle == 3 && kDLBfloat == 4 &&
          kDLComplex == 5 && kDLBool == 6 && kDLFloat8_e3m4 == 7 && kDLFloat8_e8m0fnu == 14 &&
          kDLFloat6_e2m3fn == 15 && kDLFloat6_e3m2fn == 16 && kDLFloat4_e2m1fn == 17);

#endif  // TVMFFI_TESTS_ABI_C_LAYOUT_CHECKS_H_
