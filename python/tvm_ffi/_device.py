"""Devices."""

from __future__ import annotations

from enum import IntEnum

from . import core


class DLDeviceType(IntEnum):
    """Kinds of device, numbered as DLPack does."""

    kDLCPU = 1
    kDLCUDA = 2
    kDLCUDAHost = 3
    kDLOpenCL = 4
    kDLVulkan = 7
    kDLMetal = 8
    kDLVPI = 9
    kDLROCM = 10
    kDLROCMHost = 11
    kDLExtDev = 12
    kDLCUDAManaged = 13
    kDLOneAPI = 14
    kDLWebGPU = 15
    kDLHexagon = 16
    kDLMAIA = 17
    kDLTrn = 18


def device(device_type: str | int | DLDeviceType, index: int | None = None) -> core.Device:
    """Return a device from its name (``"cuda"``, ``"cuda:1"``) or number; an index in the name wins."""
    return core._CLASS_DEVICE(device_type, index)


core.DLDeviceType = DLDeviceType
core._install(_CLASS_DEVICE=core.Device)
