// The C headers as C11.
#include "c_layout_table.h"

const LayoutRow kSizesInC[] = {TVMFFI_STRUCTS(TVMFFI_SIZE_ROW)
                                   TVMFFI_ENUMS(TVMFFI_SIZE_ROW){NULL, 0, 0}};
const LayoutRow kOffsetsInC[] = {TVMFFI_FIELDS(TVMFFI_OFFSET_ROW){NULL, 0, 0}};
const LayoutRow kValuesInC[] = {TVMFFI_VALUES(TVMFFI_VALUE_ROW){NULL, 0, 0}};
