// Runs the items that are written in C11.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "tests/libffi_core/c_items/support.h"

void c_item_failed(const char* file, int line, const char* what) {
  ADD_FAILURE_AT(file, line) << what;
}

void c_item_on_thread(void (*body)(void)) { std::thread(body).join(); }

const char* c_item_module_path(void) { return TVMFFI_TEST_MODULE_DIR "/basic.so"; }

static void PrintTo(const CItem& item, std::ostream* out) { *out << item.name; }

namespace {

std::vector<CItem> AllItems() {
  std::vector<CItem> items;
  for (const CItem* table : {kObjectItems, kErrorItems, kFunctionItems, kValueItems, kTypeItems,
                             kContainerItems, kTensorItems, kEnvironmentItems, kModuleItems}) {
    for (; table->name != nullptr; ++table) items.push_back(*table);
  }
  return items;
}

class CItems : public ::testing::TestWithParam<CItem> {};

TEST_P(CItems, HoldsInC11) { GetParam().run(); }

INSTANTIATE_TEST_SUITE_P(C11, CItems, ::testing::ValuesIn(AllItems()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
